"""One transfer as others see it: its state, its counts, its speed. Says what changed, but not too often."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from app.domain.notice import Notice
from app.domain.transfer import Transfer, TransferState
from app.downloads.rate import Rate, TimeLeft
from app.downloads.states import moved

PROGRESS_S = 0.25


class Report:
    """For the thread that does the work. `transfer` is always current; `publish` gets it on every move and
    about four times a second in between."""

    def __init__(
        self,
        transfer: Transfer,
        publish: Callable[[Transfer], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.transfer = transfer
        self._publish = publish
        self._clock = clock
        self._rate = Rate(clock)
        self._left = TimeLeft(clock)
        self._published = transfer
        self._published_at = clock()
        self._lasting: Notice | None = None

    def move(self, state: TransferState, notice: Notice | None = None) -> None:
        """Enters a state; without a notice of its own it shows the lasting one, until the transfer ends."""
        shown = None if state is TransferState.DONE else notice or self._lasting
        self.set(moved(self.transfer, state, shown))

    def last(self, notice: Notice) -> None:
        """Shows a notice for as long as the transfer goes on."""
        self._lasting = notice
        self.set(msgspec.structs.replace(self.transfer, notice=notice))

    def set(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self._published = transfer
        self._published_at = self._clock()
        self._publish(transfer)

    def count(self, index: int, done_bytes: int) -> None:
        """Notes how much of a file is there; for as long as it moves, also when that did not change."""
        files = list(self.transfer.files)
        gained = max(done_bytes - files[index].done_bytes, 0)
        self._rate.add(gained)
        self._left.add(gained)
        files[index] = msgspec.structs.replace(files[index], done_bytes=done_bytes)
        self.transfer = msgspec.structs.replace(self.transfer, files=tuple(files))
        if self._clock() - self._published_at >= PROGRESS_S:
            self._progress()

    def _progress(self) -> None:
        speed = float(round(self._rate.bytes_per_second))
        left = self._left.seconds(self.transfer.size_bytes - self.transfer.done_bytes)
        now = msgspec.structs.replace(self.transfer, bytes_per_second=speed, seconds_left=left)
        if now != self._published:
            self.set(now)
