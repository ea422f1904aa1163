"""A client of the host: commands out, replies and events in, over any transport that can be connected again.

Knows the protocol and nothing behind it. When the connection is lost it connects again by itself, asks for a
new snapshot and repeats the commands that had no reply; ids are made by clients, so repeating is harmless.
A host that said goodbye was ended on purpose: it is started again when there is something to ask of it.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

from app.client.protocol import (
    Answer,
    Command,
    Done,
    Happened,
    Hello,
    Identity,
    ProtocolError,
    Quit,
    Refused,
    Reply,
    Request,
    Resync,
    Snapshot,
    Subscribe,
    Welcome,
    decode_to_client,
    encode,
)
from app.client.transport import ConnectionLost, Transport
from app.domain.ids import new_id
from app.domain.notice import Action, Notice, NoticeCode
from app.errors import KnownError
from app.events import Event, HostLeaving

log = logging.getLogger(__name__)

OnReply = Callable[[Reply], None]
RETRY_S = 0.25
DRAIN_S = 0.2  # for what was asked just before the end to be sent


class ConnectionState(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOST = "lost"  # being connected again; commands wait
    REFUSED = "refused"  # the notice says why; tried again all the same
    CLOSED = "closed"


class ClientListener(Protocol):
    """Called on the client's own thread, in order; must not block."""

    def snapshot(self, snapshot: Snapshot) -> None:
        """Everything anew: after each connect and each time events were dropped."""

    def happened(self, event: Event) -> None: ...

    def connection_changed(self, state: ConnectionState, notice: Notice | None) -> None: ...


class Connector(Protocol):
    """Makes a connected transport, or raises KnownError (which is shown, and tried again).

    With `start` false it starts no host; None then means that there is none.
    """

    def __call__(self, *, start: bool) -> Transport | None: ...


class Client:
    """One client. `start` returns at once; commands given before the host answers wait for it.

    Without a listener no events are asked for. `closed` is set when it ends, for a connector that waits.
    """

    def __init__(
        self,
        connector: Connector,
        identity: Identity,
        *,
        listener: ClientListener | None = None,
        environment: Mapping[str, str] | None = None,
        closed: threading.Event | None = None,
    ) -> None:
        self._connector = connector
        self._identity = identity
        self._listener = listener
        self._environment = dict(environment or {})
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[Request, OnReply]] = {}  # in order of asking
        self._outbox: queue.SimpleQueue[bytes | None] | None = None  # of the present connection
        self._transport: Transport | None = None
        self._seq: int | None = None  # of the last event heard; None until a snapshot
        self._was_dismissed = False  # the last host said that it would leave
        self._notice: Notice | None = None
        self._state = ConnectionState.CONNECTING
        self._closed = closed or threading.Event()
        self._writer: threading.Thread | None = None  # of the present connection
        self._thread = threading.Thread(target=self._run, name="client-reader")

    def start(self) -> Client:
        self._thread.start()
        return self

    @property
    def is_connected(self) -> bool:
        return self._state is ConnectionState.CONNECTED

    @property
    def state(self) -> ConnectionState:
        return self._state

    def request(self, command: Command, on_reply: OnReply) -> None:
        """Asks without waiting. `on_reply` is called exactly once, on the client's thread (or at once, with
        Refused, when the client is closed)."""
        request = Request(id=new_id(), command=command, environment=self._environment)
        with self._lock:
            is_open = not self._closed.is_set()
            if is_open:
                self._waiting[request.id] = (request, on_reply)
                if self._outbox is not None:
                    self._outbox.put(encode(request))
        if not is_open:
            on_reply(_refused(NoticeCode.HOST_NOT_RUNNING))

    def call(self, command: Command, timeout_s: float = 10.0) -> Reply:
        """Asks and waits. Raises KnownError when the host refuses or does not answer in time."""
        replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self.request(command, replies.put)
        try:
            reply = replies.get(timeout=timeout_s)
        except queue.Empty:
            notice = self._notice or _notice_unreachable(f"no answer in {timeout_s:g} s")
            raise KnownError(notice) from None
        if isinstance(reply, Refused):
            raise KnownError(reply.notice)
        return reply

    def close(self) -> None:
        """Ends the connection and the thread. What was asked before is still sent, if the host takes it;
        commands without a reply are refused. May be repeated, but not called from a callback."""
        with self._lock:
            self._closed.set()
            transport, outbox, writer = self._transport, self._outbox, self._writer
            self._outbox = None
        if outbox is not None and writer is not None:
            outbox.put(None)
            writer.join(DRAIN_S)
        if transport is not None:
            transport.close()
        if self._thread.ident is not None:
            self._thread.join()

    # The client's thread

    def _run(self) -> None:
        try:
            while not self._closed.is_set():
                transport = self._connect()
                if transport is None:
                    self._closed.wait(RETRY_S)
                    continue
                self._serve(transport)
        except Exception:
            log.exception("The client's thread failed")
        finally:
            self._closed.set()
            self._become(ConnectionState.CLOSED, None)
            self._refuse_all(self._notice or Notice(code=NoticeCode.HOST_NOT_RUNNING))

    def _connect(self) -> Transport | None:
        """One attempt. Commands that wait are told of a refusal that waiting will not cure."""
        try:
            transport = self._connector(start=not self._was_dismissed or self._has_waiting())
        except KnownError as error:
            self._become(ConnectionState.REFUSED, error.notice)
            self._refuse_all(error.notice)
            return None
        if transport is None or not self._hold(transport):
            return None
        try:
            transport.send(encode(Request(id=new_id(), command=Hello(identity=self._identity))))
            answer = decode_to_client(transport.receive())
        except (ConnectionLost, ProtocolError) as error:
            log.info("The host left during the greeting: %s", error)
            self._drop(transport)
            return None
        if isinstance(answer, Answer) and isinstance(answer.reply, Welcome):
            return transport
        self._drop(transport)
        notice = _notice_unreachable("no welcome")
        if isinstance(answer, Answer) and isinstance(answer.reply, Refused):
            notice = answer.reply.notice
        self._become(ConnectionState.REFUSED, notice)
        if notice.code is not NoticeCode.HOST_OLDER_BUSY:  # that one will have ended by itself soon
            self._refuse_all(notice)
        return None

    def _hold(self, transport: Transport) -> bool:
        """Lets `close` end this connection, from the greeting on; False if that came first."""
        with self._lock:
            is_open = not self._closed.is_set()
            self._transport = transport if is_open else None
        if not is_open:
            _dispose(transport)
        return is_open

    def _drop(self, transport: Transport) -> None:
        with self._lock:
            self._transport = None
        _dispose(transport)

    def _serve(self, transport: Transport) -> None:
        """Lives one connection to its end."""
        outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        writer = threading.Thread(target=_write, args=(transport, outbox), name="client-writer")
        with self._lock:
            self._was_dismissed = False
            if self._listener is not None:
                outbox.put(self._subscription())
            for request, _ in self._waiting.values():
                outbox.put(encode(request))
            self._outbox, self._writer = outbox, writer
            writer.start()
        if self._listener is None:
            self._become(ConnectionState.CONNECTED, None)
        try:
            while True:
                self._take(decode_to_client(transport.receive()), outbox)
        except (ConnectionLost, ProtocolError) as error:
            log.info("Connection to the host ended: %s", error)
        finally:
            with self._lock:
                self._outbox = None
            outbox.put(None)
            transport.close()
            writer.join()
            self._drop(transport)
        if not self._closed.is_set():
            notice = Notice(code=NoticeCode.HOST_NOT_RUNNING) if self._was_dismissed else None
            self._become(ConnectionState.LOST, notice)
            self._settle_quits()

    def _take(self, frame: Answer | Happened | Resync, outbox: queue.SimpleQueue[bytes | None]) -> None:
        if isinstance(frame, Happened):
            self._hear(frame, outbox)
        elif isinstance(frame, Resync):
            outbox.put(self._subscription())
        elif isinstance(frame.reply, Snapshot) and self._listener is not None:
            self._seq = frame.reply.seq
            self._become(ConnectionState.CONNECTED, None)
            self._listener.snapshot(frame.reply)
        else:
            with self._lock:
                waiting = self._waiting.pop(frame.id, None)
            if waiting is not None:
                waiting[1](frame.reply)
            elif isinstance(frame.reply, Refused):
                # To our subscription: the host is there and cannot open its home. Other commands would hear
                # the same; the connection stays, so that the host is not started over and over.
                self._become(ConnectionState.REFUSED, frame.reply.notice)

    def _hear(self, frame: Happened, outbox: queue.SimpleQueue[bytes | None]) -> None:
        """Hands on the next event; after a gap, asks for a new snapshot and hears nothing until it comes."""
        if self._listener is None or self._seq is None:
            return
        if frame.seq != self._seq + 1:
            log.info("Event %d came after %d: asking for a new snapshot", frame.seq, self._seq)
            self._seq = None
            outbox.put(self._subscription())
            return
        self._seq = frame.seq
        self._was_dismissed = self._was_dismissed or isinstance(frame.event, HostLeaving)
        self._listener.happened(frame.event)

    def _subscription(self) -> bytes:
        return encode(Request(id=new_id(), command=Subscribe()))

    def _settle_quits(self) -> None:
        """A host that was asked to quit and is gone has done so; asking its successor would be wrong."""
        with self._lock:
            quits = [key for key, (request, _) in self._waiting.items() if isinstance(request.command, Quit)]
            callbacks = [self._waiting.pop(key)[1] for key in quits]
        for on_reply in callbacks:
            on_reply(Done())

    def _has_waiting(self) -> bool:
        with self._lock:
            return bool(self._waiting)

    def _refuse_all(self, notice: Notice) -> None:
        with self._lock:
            waiting = list(self._waiting.values())
            self._waiting.clear()
        for _, on_reply in waiting:
            on_reply(Refused(notice=notice))

    def _become(self, state: ConnectionState, notice: Notice | None) -> None:
        if (state, notice) == (self._state, self._notice):
            return
        self._state, self._notice = state, notice
        if self._listener is not None:
            self._listener.connection_changed(state, notice)


def _write(transport: Transport, outbox: queue.SimpleQueue[bytes | None]) -> None:
    """The writer thread: so that whoever asks never waits for the socket."""
    try:
        while (data := outbox.get()) is not None:
            transport.send(data)
    except ConnectionLost:
        pass  # the reader sees it too and deals with it
    except Exception:
        log.exception("The client's writer failed")
        transport.close()


def _dispose(transport: Transport) -> None:
    transport.close()
    transport.release()


def _notice_unreachable(detail: str) -> Notice:
    return Notice(code=NoticeCode.HOST_UNREACHABLE, facts={"detail": detail}, actions=(Action.RETRY,))


def _refused(code: NoticeCode) -> Refused:
    return Refused(notice=Notice(code=code))
