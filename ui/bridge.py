"""The one crossing from the client's threads to the window's.

Whatever the client says is put into one inbox, in order, and delivered on the thread the bridge lives in:
at once when it has been quiet, otherwise at most once a frame. Pieces of the same message that wait together
are joined, so a fast model costs one repaint a frame. Knows the protocol and no view.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec
from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from app.client.client import ClientListener, ConnectionState
from app.client.protocol import Command, Reply, Snapshot
from app.domain.notice import Notice
from app.events import Event, MessageGrew, TurnMoved

log = logging.getLogger(__name__)

FRAME_MS = 16

OnReply = Callable[[Reply], None]


class HostClient(Protocol):
    """What the bridge needs of `app.client.client.Client`."""

    def request(self, command: Command, on_reply: OnReply) -> None: ...

    def close(self) -> None: ...


OpenClient = Callable[[ClientListener], HostClient]


@dataclass(frozen=True, slots=True)
class _Answered:
    on_reply: OnReply
    reply: Reply


@dataclass(frozen=True, slots=True)
class _Connection:
    state: ConnectionState
    notice: Notice | None


_Item = Snapshot | Event | _Answered | _Connection


class _Inbox:
    """Implements `ClientListener`, on the client's threads. Calls `wake` when it stops being empty."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._items: list[_Item] = []

    def snapshot(self, snapshot: Snapshot) -> None:
        self.put(snapshot)

    def happened(self, event: Event) -> None:
        self.put(event)

    def connection_changed(self, state: ConnectionState, notice: Notice | None) -> None:
        self.put(_Connection(state, notice))

    def put(self, item: _Item) -> None:
        with self._lock:
            joined = _joined(self._items[-1], item) if self._items else None
            if joined is not None:
                self._items[-1] = joined
                return
            self._items.append(item)
            was_empty = len(self._items) == 1
        if was_empty:
            self._wake()

    def take(self) -> list[_Item]:
        with self._lock:
            items, self._items = self._items, []
        return items


class Bridge(QObject):
    """Owns the client. Signals and replies come on this object's thread, in the host's order."""

    snapshot_taken = Signal(object)  # Snapshot
    happened = Signal(object)  # Event
    connection_changed = Signal(object, object)  # ConnectionState, Notice or None
    _woken = Signal()

    def __init__(self, open_client: OpenClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open_client = open_client
        self._client: HostClient | None = None
        self._is_closed = False
        self._inbox = _Inbox(self._woken.emit)
        self._since_delivery = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._deliver)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Connects; returns at once."""
        if self._client is None and not self._is_closed:
            self._client = self._open_client(self._inbox)

    def ask(self, command: Command, on_reply: OnReply | None = None) -> None:
        """Sends a command; the reply comes later, exactly once, unless the bridge is closed before."""
        self.start()
        if self._client is None:
            return
        answered = on_reply or _ignore
        self._client.request(command, lambda reply: self._inbox.put(_Answered(answered, reply)))

    def close(self) -> None:
        """Ends the connection and delivers nothing more. May be repeated."""
        self._is_closed = True
        self._timer.stop()
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _on_woken(self) -> None:
        if self._timer.isActive() or self._is_closed:
            return
        waited_ms = self._since_delivery.elapsed() if self._since_delivery.isValid() else FRAME_MS
        if waited_ms >= FRAME_MS:
            self._deliver()
        else:
            self._timer.start(int(FRAME_MS - waited_ms))

    def _deliver(self) -> None:
        self._since_delivery.start()
        for item in self._inbox.take():
            if self._is_closed:  # what was delivered before may have closed it
                return
            try:
                self._hand_over(item)
            except Exception:
                # A bus listener's rule: one that fails must not keep the rest from hearing.
                log.exception("Delivery of %s failed", type(item).__name__)

    def _hand_over(self, item: _Item) -> None:
        if isinstance(item, _Answered):
            item.on_reply(item.reply)
        elif isinstance(item, _Connection):
            self.connection_changed.emit(item.state, item.notice)
        elif isinstance(item, Snapshot):
            self.snapshot_taken.emit(item)
        else:
            self.happened.emit(item)


def _joined(first: _Item, second: _Item) -> _Item | None:
    """Returns one item that says what both say, or None when both have to be said."""
    if isinstance(first, TurnMoved) and isinstance(second, TurnMoved):
        return second if second.message_id == first.message_id else None
    if not isinstance(first, MessageGrew) or not isinstance(second, MessageGrew):
        return None
    if second.message_id != first.message_id or not _continues(first, second):
        return None
    return msgspec.structs.replace(
        first, content=first.content + second.content, reasoning=first.reasoning + second.reasoning
    )


def _continues(first: MessageGrew, second: MessageGrew) -> bool:
    return second.content_offset == first.content_offset + len(
        first.content
    ) and second.reasoning_offset == first.reasoning_offset + len(first.reasoning)


def _ignore(reply: Reply) -> None:
    pass
