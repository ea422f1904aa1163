"""How much may come in a second, for all transfers together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.downloads.patience import StopFlag

LATE_S = 0.05


class Throttle:
    """Safe from any thread. The limit (bytes a second, 0 for none) is asked for at every piece, so that
    a change is felt at once."""

    def __init__(
        self, limit: Callable[[], int] = lambda: 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = clock()

    def take(self, count: int, stop: StopFlag) -> None:
        """Returns when bytes that have come in are paid for. Raises `Stopped`."""
        limit = self._limit()
        if limit <= 0:
            return
        with self._lock:
            now = self._clock()
            # Time in which nothing came is not saved up, but for what a wait took too long.
            self._free_at = max(self._free_at, now - LATE_S) + count / limit
            wait_s = self._free_at - now
        if wait_s > 0:
            stop.wait(wait_s)
