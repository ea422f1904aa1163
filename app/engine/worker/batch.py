"""The rows of one `llama_decode`: tokens of one or several sequences at explicit positions.

Explicit, because the positions llama.cpp would derive itself are wrong after a cut in a sliding-window cache.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Part:
    """What one sequence adds: `tokens` at `position` and following. Logits are those of the last one."""

    sequence: int
    tokens: Sequence[int]
    position: int
    wants_logits: bool = True
    is_prompt: bool = False


class Batch:
    """Room for `size` rows. More, or more rows with logits than the context has outputs, abort the process:
    whoever fills it counts."""

    def __init__(self, api: Any, size: int) -> None:
        self.size = size
        self._api = api
        self.native = native = api.llama_batch_init(size, 0, 1)
        # Each access of a structure's field makes a new object: these are looked up once.
        self._token, self._position, self._logits = native.token, native.pos, native.logits
        self._sequence = [native.seq_id[row] for row in range(size)]
        self._said = [0] * size  # the sequence each row is set to
        self._marked: list[int] = []  # rows whose logits were wanted
        for row in range(size):
            native.n_seq_id[row] = 1
            self._sequence[row][0] = 0
            native.logits[row] = 0

    def fill(self, parts: Sequence[Part]) -> int:
        """Puts the parts in a row and returns how many rows they take. The last row of each is where its
        logits will be."""
        for row in self._marked:
            self._logits[row] = 0
        self._marked.clear()
        row = 0
        for part in parts:
            count = len(part.tokens)
            if count == 1:  # the hot path: one token made, one token in
                self._token[row] = part.tokens[0]
                self._position[row] = part.position
                if self._said[row] != part.sequence:
                    self._assign(row, part.sequence)
            else:
                self._fill_many(row, part, count)
            row += count
            if part.wants_logits:
                self._logits[row - 1] = 1
                self._marked.append(row - 1)
        self.native.n_tokens = row
        return row

    def close(self) -> None:
        self._api.llama_batch_free(self.native)

    def _fill_many(self, row: int, part: Part, count: int) -> None:
        positions = range(part.position, part.position + count)
        array = ctypes.c_int32 * count
        self._copy(self._token, row, array(*part.tokens))
        self._copy(self._position, row, array(*positions))
        for each in range(row, row + count):
            if self._said[each] != part.sequence:
                self._assign(each, part.sequence)

    def _copy(self, target: Any, row: int, values: Any) -> None:
        ctypes.memmove(ctypes.addressof(target.contents) + 4 * row, values, ctypes.sizeof(values))

    def _assign(self, row: int, sequence: int) -> None:
        self._sequence[row][0] = sequence
        self._said[row] = sequence
