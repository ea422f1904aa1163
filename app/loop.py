"""The core's thread: one queue of work and a few timers, run in order by one thread.

State that is only touched here needs no locks, and every event that is published from here has one order.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[], object]


class Timer:
    """Work that is due later; `cancel` from the loop's thread means that it will not run."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work: Work | None = work

    def cancel(self) -> None:
        self._work = None

    def fire(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work()


class Loop:
    """Runs posted work in its own thread. Work that raises is logged and the loop goes on."""

    def __init__(self, name: str = "core") -> None:
        self._wake = threading.Condition()
        self._work: deque[Work] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def is_current(self) -> bool:
        """Whether the caller is the loop's thread."""
        return threading.current_thread() is self._thread

    def post(self, work: Work) -> bool:
        """Adds work, from any thread. Returns False, and forgets it, when the loop is closing."""
        with self._wake:
            if self._is_closing:
                return False
            self._work.append(work)
            self._wake.notify()
            return True

    def call_later(self, delay_s: float, work: Work) -> Timer:
        """Runs `work` in `delay_s` seconds unless cancelled or closed before."""
        timer = Timer(work)
        with self._wake:
            heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._order), timer))
            self._wake.notify()
        return timer

    def run(self, work: Callable[[], T], timeout_s: float | None = None) -> T:
        """Runs `work` in the loop and returns its result (or raises what it raised). Not from the loop."""
        future: Future[T] = Future()

        def carry() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # handed to the caller, whatever it is
                future.set_exception(error)

        if not self.post(carry):
            raise RuntimeError("the loop is closed")
        return future.result(timeout_s)

    def close(self) -> None:
        """Finishes what was posted, drops the timers, ends the thread. May be repeated; not from the loop."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception:
                log.exception("Work in the core's thread failed")

    def _next(self) -> Work | None:
        """Waits for work; None when the loop has closed and nothing is left. Due timers go first."""
        with self._wake:
            while True:
                if self._timers and not self._is_closing and self._timers[0][0] <= time.monotonic():
                    return heapq.heappop(self._timers)[2].fire
                if self._work:
                    return self._work.popleft()
                if self._is_closing:
                    return None
                due = self._timers[0][0] - time.monotonic() if self._timers else None
                self._wake.wait(due)
