from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from app.engine.worker.governor import Governor


def run(governor: Governor, steps: int, seconds: Callable[[int, int], float]) -> list[int]:
    """Lets it govern: `seconds(step, threads)` is what a step takes."""
    used = []
    for step in range(steps):
        used.append(governor.threads)
        governor.note(seconds(step, governor.threads))
    return used


def crowded(step: int, threads: int) -> float:
    """More than one thread waits for the neighbours, except now and then."""
    return 1.2 if threads == 1 else (0.9 if step % 5 == 0 else 30.0)


def test_a_quiet_machine_uses_all_its_cores():
    assert set(run(Governor(8), 500, lambda step, threads: 8 / threads + step % 3 * 0.01)) == {8}


def test_a_crowded_machine_uses_fewer_within_a_few_steps():
    used = run(Governor(8), 40, crowded)
    assert used[-20:] == [1] * 20


def test_more_are_tried_now_and_then_but_seldom():
    used = run(Governor(2), 4000, crowded)
    assert used.count(2) < 0.03 * len(used)


def test_all_come_back_when_the_neighbours_leave():
    governor = Governor(4)
    run(governor, 100, crowded)
    used = run(governor, 3000, lambda _step, threads: 8 / threads)
    assert set(used[-500:]) == {4}


def test_growing_context_is_no_crowd():
    assert set(run(Governor(4), 2000, lambda step, _threads: 1 + step / 100)) == {4}


def test_another_answer_starts_afresh():
    governor = Governor(4)
    run(governor, 6, lambda _step, _threads: 1.0)
    governor.forget()
    assert set(run(governor, 20, lambda _step, _threads: 50.0)) == {4}


@given(st.integers(1, 64), st.lists(st.floats(1e-6, 1e3), max_size=300))
def test_there_is_always_a_thread_and_never_one_too_many(most, times):
    governor = Governor(most, window=2, recent=8)
    for seconds in times:
        assert 1 <= governor.note(seconds) <= most
