"""Whatever was cached, parked, cut or restored before: every answer is what a fresh context says.

Random chats on tiny models of each kind of memory: turns, edits, regenerations, other branches, stops,
continuations, other chats, with little room in cache and RAM. One after the other in reference mode, where
the words must be the same; several at once, where they may part at a token that is as good (`likeness`).
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from app.domain.chat import Role
from app.domain.generation import StopReason
from app.engine.base import PromptMessage, TextGrew
from tests.engine.worker.likeness import is_near_tie
from tests.engine.worker.schedulerrig import SchedulerRig
from tests.fakes.tiny_models import tiny_model
from tests.fakes.tiny_models.shape import CHATML, THINKING

pytestmark = pytest.mark.llama
KINDS = ("llama", "gemma3", "mamba2", "lfm2")
WORDS = ("the sea", "a bird", "sings", "over", "old stones", "while rain", "falls", "and", "nobody knows")
Path_ = tuple[str, ...]  # messages of a user and of the model in turn
ANSWER_TOKENS = 10
TURNS = 6  # of one sequence of moves


class Chats:
    """Paths through chats, and the moves that make one more."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self.paths: list[Path_] = []

    def next(self) -> tuple[Path_, str]:
        """Returns what is asked, and what of the answer is there already."""
        moves = [self._new]
        if self.paths:
            moves = [self._new, self._send, self._send, self._send, self._edit, self._regenerate, self._go_on]
        return self._draw.choice(moves)()

    def answered(self, asked: Path_, answer: str) -> None:
        self.paths = [*self.paths, (*asked, answer)][-6:]

    def _text(self) -> str:
        return " ".join(self._draw.choice(WORDS) for _ in range(self._draw.randrange(1, 30)))

    def _path(self) -> Path_:
        recent = self._draw.random() < 0.6
        return self.paths[-1] if recent else self._draw.choice(self.paths)

    def _new(self) -> tuple[Path_, str]:
        return (self._text(),), ""

    def _send(self) -> tuple[Path_, str]:
        path = self._path()
        return ((*path, self._text()) if len(path) < 12 else (self._text(),)), ""

    def _edit(self) -> tuple[Path_, str]:
        path = self._path()
        place = self._draw.randrange(0, len(path), 2)
        return (*path[:place], path[place][: len(path[place]) // 2] + self._text()), ""

    def _regenerate(self) -> tuple[Path_, str]:
        return self._path()[:-1], ""

    def _go_on(self) -> tuple[Path_, str]:
        *asked, answer = self._path()
        return tuple(asked), answer


class Pair:
    """An engine with a past and one without."""

    def __init__(self, library: Any, kind: str, draw: random.Random, *, slots: int) -> None:
        self._draw = draw
        self._is_reference = slots == 1
        template = draw.choice((CHATML, THINKING))
        path = tiny_model(kind, weights="F32", template=template, layers=2)
        park_bytes = draw.choice((0, 200_000, 10_000_000))
        fields = {"context_tokens": 768, "batch_tokens": 64, "park_bytes": park_bytes, "slots": slots}
        self.used = SchedulerRig(library, path, reference=self._is_reference, **fields)
        self.fresh = SchedulerRig(library, path, reference=self._is_reference, **{**fields, "park_bytes": 0})
        self.reused = 0
        self._count = 0

    def ask(self, chats: Chats, at_once: int) -> None:
        """Asks so many things at once, and each again of the fresh one."""
        asked = [chats.next() for _ in range(at_once)]
        names = [self._begin(*each) for each in asked]
        stopped = names[0] if self._draw.random() < 0.2 else None
        after = self._draw.randrange(1, ANSWER_TOKENS)
        self.used.run(lambda: stopped is not None and len(self._texts(stopped)) >= after)
        if stopped is not None:
            self.used.control.cancel(stopped)
            self.used.run()
        for name, (path, prefix) in zip(names, asked, strict=True):
            self._compare(name, path, prefix)
            answer = self.used.answer(name)
            chats.answered(path, prefix + answer.reasoning + answer.content)

    def close(self) -> None:
        self.used.close()
        self.fresh.close()

    def _begin(self, path: Path_, prefix: str) -> str:
        self._count += 1
        name = f"{self._count}"
        self.used.add(name, *messages(path), answer_prefix=prefix, tokens=ANSWER_TOKENS)
        return name

    def _texts(self, name: str) -> list[TextGrew]:
        return [event for event in self.used.events[name] if isinstance(event, TextGrew)]

    def _compare(self, name: str, path: Path_, prefix: str) -> None:
        for slot in self.fresh.slots.live():
            slot.forget()
        answer = self.used.answer(name)
        # An answer goes on from the tokens it has; the same text read again may be other tokens.
        self.fresh.slots.said = lambda: [self.used.prompts[name]]
        cold = self.fresh.ask(name, *messages(path), answer_prefix=prefix, tokens=ANSWER_TOKENS)
        assert cold.timings.cache_n == 0
        self.reused += answer.timings.cache_n
        said, expected = answer.reasoning + answer.content, cold.reasoning + cold.content
        if answer.stop_reason is StopReason.CANCELLED:
            expected = expected[: len(said)]
        else:
            assert answer.stop_reason is cold.stop_reason
        self._check(name, said, expected)

    def _check(self, name: str, said: str, expected: str) -> None:
        if said == expected:
            return
        (slot,) = self.fresh.slots.live()
        tokens = slot.said()
        prompt = self.fresh.answer(name).timings.prompt_n
        slot.forget()
        assert not self._is_reference, (said, expected)
        assert is_near_tie(self.fresh, tokens, prompt, said), (said, expected)


def messages(path: Path_) -> list[PromptMessage]:
    roles = (Role.USER, Role.ASSISTANT)
    return [PromptMessage(role=roles[number % 2], content=text) for number, text in enumerate(path)]


def walk(library: Any, kind: str, seed: int, *, slots: int, turns: int = TURNS) -> int:
    """One sequence of moves; returns how many tokens were not read again."""
    draw = random.Random(f"{kind} {seed} {slots}")
    pair, chats = Pair(library, kind, draw, slots=slots), Chats(draw)
    for _ in range(turns):
        pair.ask(chats, at_once=draw.randrange(1, slots + 1))
    pair.close()
    return pair.reused


@pytest.mark.parametrize("kind", KINDS)
def test_one_after_the_other(library, kind):
    reused = [walk(library, kind, seed, slots=1) for seed in range(3)]
    assert sum(reused) > 100


@pytest.mark.parametrize("kind", KINDS)
def test_several_at_once(library, kind):
    for seed in range(2):
        walk(library, kind, seed, slots=3)


@pytest.mark.slow
@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("kind", [*KINDS, "qwen35"])
@pytest.mark.parametrize("part", range(5))
def test_for_long(library, kind, slots, part):
    """Five hundred sequences in all."""
    for seed in range(10):
        walk(library, kind, 1000 + part * 10 + seed, slots=slots, turns=10)
