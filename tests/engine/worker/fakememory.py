"""A memory that behaves as llama.cpp's caches do, and knows which tokens it holds."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence

from app.engine.worker.memory import State
from app.engine.worker.slot import CacheKind


class FakeMemory:
    """Plain attention keeps every token; a window forgets what is older than it, in a part of its own; a
    recurrent state refuses every cut but a whole one. `cells` is how many tokens fit."""

    def __init__(self, kind: CacheKind = CacheKind(), cells: int = 10_000) -> None:  # noqa: B008
        self.kind = kind
        self.cells = cells
        self.tokens: dict[int, list[int]] = {}
        self._recent: dict[int, tuple[int, list[int]]] = {}  # of a window or a state: first position, tokens
        self.refuses = False

    def evaluate(self, sequence: int, tokens: Sequence[int]) -> None:
        """What a decode does."""
        held = self.tokens.setdefault(sequence, [])
        held.extend(tokens)
        assert sum(map(len, self.tokens.values())) <= self.cells
        first, recent = self._recent.get(sequence, (0, []))
        recent = [*recent, *tokens]
        excess = max(0, len(recent) - self.kind.window_tokens) if self.kind.window_tokens else 0
        if self.kind.is_recurrent:
            excess = 0
        self._recent[sequence] = first + excess, recent[excess:]

    def knows(self, sequence: int) -> list[int]:
        """Returns the tokens whose continuation would be right."""
        held = self.tokens.get(sequence, [])
        if self.kind.is_plain:
            return held
        first, recent = self._recent.get(sequence, (0, []))
        needed = max(0, len(held) - self.kind.window_tokens) if self.kind.window_tokens else 0
        assert first <= needed or not held
        assert held[first:] == recent
        return held

    def cut(self, sequence: int, position: int) -> bool:
        held = self.tokens.get(sequence, [])
        first, recent = self._recent.get(sequence, (0, []))
        if self.kind.is_recurrent and position < first + len(recent):
            return False
        del held[position:]
        self._recent[sequence] = first, recent[: max(0, position - first)]
        return True

    def clear(self, sequence: int) -> None:
        self.tokens.pop(sequence, None)
        self._recent.pop(sequence, None)

    def first_position(self, sequence: int) -> int:
        first, recent = self._recent.get(sequence, (0, []))
        if not recent:
            return -1
        return first + len(recent) - 1 if self.kind.is_recurrent else first

    def last_position(self, sequence: int) -> int:
        first, recent = self._recent.get(sequence, (0, []))
        return first + len(recent) - 1 if recent else -1

    def share(self, source: int, target: int, count: int) -> None:
        assert self.kind.is_plain
        assert not self.tokens.get(target)
        self.evaluate(target, self.tokens[source][:count])

    def save(self, sequence: int, *, partial: bool = False) -> State | None:
        if self.refuses or not self.tokens.get(sequence):
            return None
        tokens = None if partial else self.tokens[sequence]
        data = json.dumps([tokens, self._recent[sequence]]).encode()
        return State((ctypes.c_uint8 * len(data)).from_buffer_copy(data))

    def restore(self, sequence: int, state: State, *, partial: bool = False) -> bool:
        tokens, (first, recent) = json.loads(bytes(state.data))
        assert (tokens is None) == partial
        if self.refuses:
            self.clear(sequence)
            return False
        if not partial:
            assert not self.tokens.get(sequence), "restored over something"
            if sum(map(len, self.tokens.values())) + len(tokens) > self.cells:
                return False
            self.tokens[sequence] = tokens
        self._recent[sequence] = first, recent
        return True
