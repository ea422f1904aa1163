"""What of a prompt is in the KV cache already, and what of the cache can stay.

A prompt rarely is the last one plus something (templates drop reasoning and move markers), so the longest
common prefix of tokens decides, and then the memory is asked whether it really still has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


def common_prefix(left: Sequence[T], right: Sequence[T]) -> int:
    """Returns how many items (tokens, characters) the two begin with alike. Both must be of one type."""
    shorter = min(len(left), len(right))
    low, high = 0, shorter
    # Comparing slices runs in C; halving finds the first difference in a few of them.
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class Memory(Protocol):
    """The part of `context.Context` a slot needs."""

    def cut(self, position: int, sequence: int = 0) -> bool: ...
    def first_position(self, sequence: int = 0) -> int: ...
    def last_position(self, sequence: int = 0) -> int: ...
    def clear(self) -> None: ...


class Slot:
    """One sequence in the cache and the tokens that are in it. `window_tokens` is the model's sliding
    window (0: none); `is_recurrent` says that nothing can be cut off its state."""

    def __init__(self, memory: Memory, window_tokens: int = 0, *, is_recurrent: bool = False) -> None:
        self._memory = memory
        self._window_tokens = window_tokens
        self._is_recurrent = is_recurrent
        self.tokens: list[int] = []
        self.unevaluated: list[int] = []  # chosen, but not in the cache yet

    def said(self) -> list[int]:
        """Returns all tokens of the sequence, the last chosen one included."""
        return self.tokens + self.unevaluated

    def reuse(self, prompt: Sequence[int]) -> int:
        """Keeps the common beginning and forgets the rest. Returns how many tokens were kept: at most all
        but one, because logits are not part of the memory."""
        self.unevaluated = []
        kept = common_prefix(self.tokens, prompt)
        self.rewind(min(kept, len(prompt) - 1))
        return len(self.tokens)

    def rewind(self, count: int) -> None:
        """Keeps the first `count` tokens, or nothing if the memory cannot go back that far."""
        if not self._can_keep(count):
            self._memory.clear()
            count = 0
        del self.tokens[count:]

    def recover(self) -> None:
        """Brings memory and tokens back in step after a decode that did not finish."""
        # The removal of a half-done step can fail silently on a recurrent state.
        self.rewind(0 if self._is_recurrent else len(self.tokens))

    def forget(self) -> None:
        self.rewind(0)

    def _can_keep(self, count: int) -> bool:
        if count <= 0:
            return False
        if self._is_recurrent:
            return self._memory.last_position() == count - 1
        if not self._memory.cut(count) or self._memory.last_position() != count - 1:
            return False
        # A sliding-window cache says yes to every cut, even when the window before it is long recycled.
        oldest_needed = max(0, count - self._window_tokens) if self._window_tokens else 0
        return 0 <= self._memory.first_position() <= oldest_needed
