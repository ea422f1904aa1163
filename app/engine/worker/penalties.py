"""Changes the logits of a few tokens: forbidden and favoured ones, and those said a moment ago.

Exactly what llama.cpp's samplers of the same names do over the whole vocabulary, but only the tokens that
can change are looked at: ten times cheaper (`tests/benchmarks/RESULTS.md`).
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Protocol

_MOST_LOG = 88.7228391  # of what a float holds


class Logits(Protocol):
    """The logits of tokens, by their number."""

    def __getitem__(self, token: int, /) -> float: ...

    def __setitem__(self, token: int, logit: float, /) -> None: ...


class Adjustment(Protocol):
    """Knows the tokens so far by `accept`; `apply` changes the logits of the next one in place."""

    def accept(self, token: int) -> None: ...

    def apply(self, row: Logits) -> None: ...


class Biases:
    """Adds to the logits of certain tokens; -inf forbids one."""

    def __init__(self, biases: dict[int, float]) -> None:
        self._biases = tuple(biases.items())

    def accept(self, token: int) -> None:
        pass

    def apply(self, row: Logits) -> None:
        for token, bias in self._biases:
            row[token] += bias


class Penalties:
    """Makes tokens less likely that are among the last `last_n` (all, when negative)."""

    def __init__(self, repeat: float, frequency: float, presence: float, last_n: int) -> None:
        self._repeat = repeat
        self._frequency = frequency
        self._presence = presence
        self._last_n = last_n
        self._window: deque[int] = deque()
        self._counts: dict[int, int] = {}

    def accept(self, token: int) -> None:
        counts = self._counts
        counts[token] = counts.get(token, 0) + 1
        if self._last_n < 0:
            return
        self._window.append(token)
        if len(self._window) > self._last_n:
            oldest = self._window.popleft()
            counts[oldest] -= 1
            if not counts[oldest]:
                del counts[oldest]

    def apply(self, row: Logits) -> None:
        repeat, frequency, presence = self._repeat, self._frequency, self._presence
        for token, count in self._counts.items():
            logit = row[token]
            logit = logit * repeat if logit <= 0 else logit / repeat
            row[token] = logit - (count * frequency + presence)


class Dry:
    """Don't repeat yourself: makes the token less likely that would make a repetition longer, more so the
    longer it is. A repetition does not reach back over a breaker.

    The lengths of all repetitions that end at the last token are kept from token to token: each costs one
    look at the earlier places of that token, not at all that was said.
    """

    def __init__(
        self,
        multiplier: float,
        base: float,
        allowed_length: int,
        last_n: int,
        breakers: Sequence[str],
        piece: Callable[[int], bytes],
    ) -> None:
        self._multiplier = multiplier
        self._base = base
        self._allowed = allowed_length
        self._last_n = last_n
        self._breakers = tuple(breaker.encode("utf-8", "replace") for breaker in breakers)
        self._longest = max(map(len, self._breakers), default=0)
        self._piece = piece
        self._most_exponent = int(_MOST_LOG / math.log(base)) if base > 1.000001 else 0
        self._tokens: list[int] = []
        self._places: defaultdict[int, list[int]] = defaultdict(list)
        self._lengths: dict[int, int] = {}  # by the place where the earlier one of two equal texts ends
        self._tail = b""
        self._unbroken = 0  # tokens since the last breaker

    def begin(self, tokens: Sequence[int]) -> None:
        """Starts with the tokens of a prompt."""
        for token in tokens:
            self._note(token)
        last = len(tokens) - 1
        lengths = _equal_lengths(self._tokens[::-1])
        self._lengths = {last - place: length for place, length in enumerate(lengths) if place and length}

    def accept(self, token: int) -> None:
        oldest = self._oldest()
        lengths: dict[int, int] = {}
        for place in reversed(self._places[token]):
            if place < oldest:
                break
            lengths[place] = self._lengths.get(place - 1, 0) + 1
        self._lengths = lengths
        self._note(token)

    def apply(self, row: Logits) -> None:
        if self._unbroken < self._allowed or not self._lengths:
            return
        longest: dict[int, int] = {}
        oldest = self._oldest()
        for place, length in self._lengths.items():
            length = min(length, self._unbroken, place - oldest + 1)
            if length >= self._allowed:
                token = self._tokens[place + 1]
                longest[token] = max(length, longest.get(token, 0))
        for token, length in longest.items():
            if not self._breaks(self._piece(token)):
                row[token] -= self._penalty(length)

    def _note(self, token: int) -> None:
        self._places[token].append(len(self._tokens))
        self._tokens.append(token)
        said = self._tail + self._piece(token)
        is_broken = self._breaks(said)
        self._unbroken = 0 if is_broken else self._unbroken + 1
        self._tail = b"" if is_broken or self._longest < 2 else said[1 - self._longest :]

    def _oldest(self) -> int:
        return 0 if self._last_n < 0 else max(0, len(self._tokens) - self._last_n)

    def _breaks(self, text: bytes) -> bool:
        return any(breaker in text for breaker in self._breakers)

    def _penalty(self, length: int) -> float:
        exponent = length - self._allowed
        if self._most_exponent:
            exponent = min(exponent, self._most_exponent)
        return float(min(self._multiplier * self._base**exponent, 3e38))


def _equal_lengths(tokens: list[int]) -> list[int]:
    """Returns for each place how much from there on equals the beginning (the Z-algorithm)."""
    lengths = [0] * len(tokens)
    left = right = 0
    for place in range(1, len(tokens)):
        length = min(lengths[place - left], right - place) if place < right else 0
        while place + length < len(tokens) and tokens[length] == tokens[place + length]:
            length += 1
        lengths[place] = length
        if place + length > right:
            left, right = place, place + length
    return lengths
