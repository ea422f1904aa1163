"""The KV cache of a context, sequence by sequence: what it holds, cuts, and copies of it in RAM.

Copies go through llama.cpp's bounds-checked functions; those that read files abort the process on a cut one.
"""

from __future__ import annotations

import ctypes
from typing import Any

_PARTIAL_ONLY = 1  # the sliding window or the recurrent state, without what plain attention keeps


class State:
    """A copy of one sequence."""

    def __init__(self, data: ctypes.Array[ctypes.c_uint8]) -> None:
        self.data = data
        self.size = len(data)


class Memory:
    """What one context remembers. Positions of a sequence count from 0."""

    def __init__(self, api: Any, context: int, pointer: int) -> None:
        self._api = api
        self._context = context
        self._pointer = pointer

    def cut(self, sequence: int, position: int) -> bool:
        """Forgets everything from `position` on; False if the memory cannot."""
        return bool(self._api.llama_memory_seq_rm(self._pointer, sequence, position, -1))

    def clear(self, sequence: int) -> None:
        self._api.llama_memory_seq_rm(self._pointer, sequence, -1, -1)

    def first_position(self, sequence: int) -> int:
        """Returns the first position that every part of the memory still has; -1 when empty."""
        first: int = self._api.llama_memory_seq_pos_min(self._pointer, sequence)
        return first

    def last_position(self, sequence: int) -> int:
        last: int = self._api.llama_memory_seq_pos_max(self._pointer, sequence)
        return last

    def share(self, source: int, target: int, count: int) -> None:
        """Lets an empty sequence have the first `count` positions of another, at no cost. Plain attention
        only."""
        self._api.llama_memory_seq_cp(self._pointer, source, target, 0, count)

    def save(self, sequence: int, *, partial: bool = False) -> State | None:
        """Returns a copy; None when there is nothing or no memory for it."""
        flags = _PARTIAL_ONLY if partial else 0
        size: int = self._api.llama_state_seq_get_size_ext(self._context, sequence, flags)
        if size <= 0:
            return None
        try:
            data = (ctypes.c_uint8 * size)()
        except MemoryError:
            return None
        written = self._api.llama_state_seq_get_data_ext(self._context, data, size, sequence, flags)
        return State(data) if written == size else None

    def restore(self, sequence: int, state: State, *, partial: bool = False) -> bool:
        """Puts a copy in place of what the sequence has. False if it was refused; the sequence is then to
        be cleared."""
        flags = _PARTIAL_ONLY if partial else 0
        read = self._api.llama_state_seq_set_data_ext(self._context, state.data, state.size, sequence, flags)
        return bool(read == state.size)
