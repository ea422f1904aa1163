from __future__ import annotations

from app.engine.worker.crew import Crew


class Threads:
    """Notes what a context's threads were set to."""

    def __init__(self) -> None:
        self.set_to: list[tuple[int, int]] = []

    def llama_set_n_threads(self, _context: int, decode: int, prefill: int) -> None:
        self.set_to.append((decode, prefill))


def test_tokens_and_prompts_are_governed_apart():
    api = Threads()
    crew = Crew(api, 1, 4)
    for seconds in (1.0, 9.0, 9.0, 9.0):
        crew.note(1, 0, seconds)
    assert api.set_to == [(2, 4)]
    for seconds in (1.0, 9.0, 9.0):
        crew.note(64, 64, seconds * 64)
    assert api.set_to == [(2, 4), (2, 2)]


def test_more_answers_at_once_are_not_a_disturbance():
    api = Threads()
    crew = Crew(api, 1, 4)
    for _ in range(3):
        crew.note(1, 0, 1.0)
    for _ in range(8):
        crew.note(4, 0, 3.0)
    assert api.set_to == []
