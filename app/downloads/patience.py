"""How long to keep trying, and how to be told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from app.network.door import PassingError

PROGRESS_BYTES = 256 * 1024  # less than this between two faults is no progress

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a download puts up with: pauses between tries in a row without progress (and so their number),
    the same while whoever asked still waits to hear what it will be (a server that asks for longer than
    `first_wait_s` is not waited for then), silence that counts as a cut, what it leaves free on the disk for
    everything else, and how many ranges of what size are fetched at once."""

    # Three minutes in all: a router that starts anew, a laptop that looks for its network.
    delays_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0)
    first_delays_s: tuple[float, ...] = (0.5, 1.0)
    first_wait_s: float = 5.0
    silence_s: float = 30.0
    reserve_bytes: int = 512 * 1024 * 1024
    ranges: int = 4
    chunk_bytes: int = 32 * 1024 * 1024


class StopReason(Enum):
    PAUSE = "pause"
    CANCEL = "cancel"
    CLOSE = "close"


class Stopped(Exception):
    """The work was told to stop."""


class StopFlag:
    """Set once by any thread; the work looks at it and waits on it. The first reason counts, but a cancel
    also overrules a pause."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._on_set: Callable[[], None] = lambda: None
        self.reason: StopReason | None = None

    def set(self, reason: StopReason) -> None:
        with self._lock:
            if self.reason in (None, StopReason.PAUSE):
                self.reason = reason
            self._event.set()
            interrupt = self._on_set
        interrupt()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def when_set(self, interrupt: Callable[[], None]) -> None:
        """Has `interrupt` called, on the thread that sets the flag, to end a wait on the network."""
        with self._lock:
            self._on_set = interrupt
            is_late = self._event.is_set()
        if is_late:
            interrupt()

    def check(self) -> None:
        if self._event.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        if self._event.wait(seconds):
            raise Stopped


class Patience:
    """A bounded number of tries in a row without progress, further and further apart."""

    def __init__(self, stop: StopFlag, delays_s: tuple[float, ...], longest_s: float = float("inf")) -> None:
        self._stop = stop
        self._delays_s = delays_s
        self._longest_s = longest_s
        self._tried = 0
        self._progress = 0

    def progressed(self, count: int) -> None:
        self._progress += count
        if self._progress >= PROGRESS_BYTES:
            self._tried = self._progress = 0

    def endure(self, error: PassingError) -> None:
        """Waits before the next try, as long as the far side asks for; raises the error when it is enough."""
        self._stop.check()
        asked = error.retry_after_s or 0.0
        if self._tried >= len(self._delays_s) or asked > self._longest_s:
            raise error
        delay = max(self._delays_s[self._tried], asked)
        self._tried += 1
        self._progress = 0
        self._stop.wait(delay)

    def ask(self, question: Callable[[], T]) -> T:
        """Returns what `question` returns, asking again while its errors may pass."""
        while True:
            try:
                return question()
            except PassingError as error:
                self.endure(error)
