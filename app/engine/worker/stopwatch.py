"""Counts and times of one answer. The prompt's time ends when its first token is chosen."""

from __future__ import annotations

import time

from app.domain.generation import Timings


class Stopwatch:
    """Told what happens, it says what it took."""

    def __init__(self) -> None:
        self.made = 0
        self._cached = self._total = self._thoughts = 0
        self._begun = self._first = self._last = self._thought = 0.0

    def begin(self, at: float, *, cached: int, total: int) -> None:
        self._begun, self._cached, self._total = at, cached, total

    def sampled(self) -> float:
        """Notes that a token was chosen, and returns when."""
        now = self._last = time.monotonic()
        if not self._first:
            self._first = now
        return now

    def thought(self, now: float) -> None:
        self._thoughts += 1
        self._thought = now

    def timings(self) -> Timings:
        if not self._begun:
            return Timings()
        now = time.monotonic()
        first = self._first or now
        return Timings(
            cache_n=self._cached,
            prompt_n=self._total - self._cached,
            prompt_ms=(first - self._begun) * 1000,
            predicted_n=self.made,
            predicted_ms=((self._last or now) - first) * 1000,
            reasoning_ms=(self._thought - first) * 1000 if self._thoughts else 0.0,
            reasoning_n=self._thoughts,
        )
