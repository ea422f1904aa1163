"""What a verb waits for: replies, events and changes of the connection, in one queue, read by one thread."""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from app.cli.console import Console
from app.cli.texts import sentence
from app.client.client import ConnectionState
from app.client.protocol import Reply, Snapshot
from app.domain.notice import Notice, NoticeCode
from app.errors import KnownError
from app.events import Event, NoticeRaised


class Hurry:
    """A person does not want to wait for the end of the thoughts (Ctrl-\\)."""


Item = Snapshot | Event | Reply | Hurry
_QUIT = getattr(signal, "SIGQUIT", None)  # not on every system


class Inbox:
    """A client's listener. Only events that are `wanted` are kept: others may come by the million."""

    def __init__(self, console: Console, wanted: Callable[[Event], bool]) -> None:
        self._console = console
        self._wanted = wanted
        self._items: queue.SimpleQueue[Item | tuple[ConnectionState, Notice | None] | None] = (
            queue.SimpleQueue()
        )
        self._interrupts = 0  # Ctrl-C
        self._has_told = False

    def next(self, timeout_s: float | None = None) -> Item:
        """Waits for the next item. Raises KnownError when the host cannot be had, TimeoutError, and once
        KeyboardInterrupt after Ctrl-C."""
        while True:
            if self._interrupts and not self._has_told:
                self._has_told = True
                raise KeyboardInterrupt
            try:
                item = self._items.get(timeout=timeout_s)
            except queue.Empty:
                raise TimeoutError from None
            if isinstance(item, NoticeRaised):
                self._console.remark(f"cove: {sentence(item.notice)}")
            elif isinstance(item, tuple):
                self._weigh(*item)
            elif item is not None:
                return item

    def first_snapshot(self) -> Snapshot:
        """Waits for the host. Raises KnownError when there will be none."""
        while True:
            item = self.next()
            if isinstance(item, Snapshot):
                return item

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Makes the first Ctrl-C come out of `next`, so that it cuts nothing in two; a second one
        comes at once. Ctrl-\\ comes out as a Hurry."""

        def interrupt(number: int, frame: FrameType | None) -> None:
            self._interrupts += 1
            if self._interrupts > 1:
                raise KeyboardInterrupt
            self._items.put(None)  # wakes `next`; this queue's put is made for signal handlers

        self._interrupts, self._has_told = 0, False
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, as under nohup
            yield
            return
        signal.signal(signal.SIGINT, interrupt)
        try:
            with self._hurrying():
                yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def _hurrying(self) -> Iterator[None]:
        if _QUIT is None:
            yield
            return
        before = signal.signal(_QUIT, lambda number, frame: self._items.put(Hurry()))
        try:
            yield
        finally:
            signal.signal(_QUIT, before)

    def put(self, reply: Reply) -> None:
        self._items.put(reply)

    # As a ClientListener, on the client's thread

    def snapshot(self, snapshot: Snapshot) -> None:
        self._items.put(snapshot)

    def happened(self, event: Event) -> None:
        if isinstance(event, NoticeRaised) or self._wanted(event):
            self._items.put(event)

    def connection_changed(self, state: ConnectionState, notice: Notice | None) -> None:
        self._items.put((state, notice))

    def _weigh(self, state: ConnectionState, notice: Notice | None) -> None:
        if state is ConnectionState.LOST:
            self._console.status("The connection to the background host was lost; starting it again…")
        elif state is ConnectionState.CLOSED:
            raise KnownError(notice or Notice(code=NoticeCode.HOST_NOT_RUNNING))
        elif state is ConnectionState.REFUSED and notice is not None:
            if notice.code is not NoticeCode.HOST_OLDER_BUSY:
                raise KnownError(notice)
            self._console.remark(f"cove: {sentence(notice)}")  # it will have finished soon
