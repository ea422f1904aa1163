"""How fast something comes in and how long it will still take, without jumping."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

SPEED_S = 4.0  # how long a change takes to be seen in the speed
OUTLOOK_S = 20.0  # the same for the speed that the time left is reckoned with
DRIFT_S = 8.0  # and for the time left itself, which otherwise just runs down
STEP_S = 0.1  # counts closer together than this are one


class Rate:
    """Bytes per second, what is longer ago counting ever less. True from the first moment on: what is not
    known yet has no weight."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, settle_s: float = SPEED_S) -> None:
        self._clock = clock
        self._settle_s = settle_s
        self._at = clock()
        self._pending = 0
        self._sum = self._weight = 0.0

    def add(self, count: int) -> None:
        self._pending += count

    @property
    def bytes_per_second(self) -> float:
        self._fold()
        return self._sum / self._weight if self._weight else 0.0

    def _fold(self) -> None:
        passed = self._clock() - self._at
        if passed < STEP_S:
            return
        share = -math.expm1(-passed / self._settle_s)
        self._sum += share * (self._pending / passed - self._sum)
        self._weight += share * (1 - self._weight)
        self._at += passed
        self._pending = 0


class TimeLeft:
    """Seconds until the rest is there: runs down like a clock, and drifts to what the speed says."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rate = Rate(clock, OUTLOOK_S)
        self._shown: float | None = None
        self._at = clock()

    def add(self, count: int) -> None:
        self._rate.add(count)

    def seconds(self, missing_bytes: int) -> float | None:
        """None while nothing is known: nothing came, or nothing has come for long."""
        now, speed = self._clock(), self._rate.bytes_per_second
        passed, self._at = now - self._at, now
        if speed < 1:
            self._shown = None
            return None
        reckoned = missing_bytes / speed
        if self._shown is None:
            self._shown = reckoned
        run_down = max(self._shown - passed, 0.0)
        self._shown = run_down - math.expm1(-passed / DRIFT_S) * (reckoned - run_down)
        return self._shown
