"""How far two prompts begin alike.

A prompt rarely is the last one plus something: templates drop reasoning and move markers. So what can be
reused of a cache is always the longest common prefix of tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

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
