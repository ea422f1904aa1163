"""How fast something comes in, over the last seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 5.0
STEP_S = 0.1  # counts closer together than this are one


class Rate:
    """Bytes per second over a sliding window, so that it settles quickly and does not flicker."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._counts: deque[tuple[float, int]] = deque()
        self._total = 0

    def add(self, count: int) -> None:
        now = self._clock()
        self._total += count
        if self._counts and now - self._counts[-1][0] < STEP_S:
            moment, before = self._counts.pop()
            self._counts.append((moment, before + count))
        else:
            self._counts.append((now, count))
        self._forget(now)

    @property
    def bytes_per_second(self) -> float:
        now = self._clock()
        self._forget(now)
        elapsed = min(now - self._start, WINDOW_S)
        return self._total / max(elapsed, STEP_S)

    def _forget(self, now: float) -> None:
        while self._counts and self._counts[0][0] <= now - WINDOW_S:
            self._total -= self._counts.popleft()[1]
