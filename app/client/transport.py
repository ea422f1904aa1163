"""A two-way stream of byte frames between a client and the host, over a socket or inside one process."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import sys
from multiprocessing.connection import Connection
from typing import Any, Protocol

from app.client.protocol import MAX_FRAME_BYTES


class ConnectionLost(Exception):
    """The other side is gone, or this side was closed."""


class Transport(Protocol):
    """`send` and `receive` may block, each in a thread of its own, and raise ConnectionLost.

    `close` wakes both and may be repeated, from any thread. `release` frees what the system holds; it is
    called once, after the last use.
    """

    def send(self, data: bytes) -> None: ...

    def receive(self) -> bytes: ...

    def close(self) -> None: ...

    def release(self) -> None: ...


class SocketTransport:
    """Frames over an authenticated `multiprocessing.connection` connection."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection

    def send(self, data: bytes) -> None:
        if len(data) > MAX_FRAME_BYTES:
            raise ValueError(f"a frame of {len(data)} bytes is over the limit of {MAX_FRAME_BYTES}")
        try:
            self._connection.send_bytes(data)
        except (OSError, ValueError) as error:
            raise ConnectionLost(str(error)) from error

    def receive(self) -> bytes:
        try:
            return self._connection.recv_bytes(MAX_FRAME_BYTES)
        except (EOFError, OSError, ValueError) as error:
            raise ConnectionLost(str(error)) from error

    def close(self) -> None:
        shut_down(self._connection)

    def release(self) -> None:
        self._connection.close()


def shut_down(connection: Connection[Any, Any]) -> None:
    """Ends a connection under the threads that block on it; closing the descriptor would not wake them."""
    if sys.platform == "win32":
        connection.close()
        return
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)


class MemoryTransport:
    """One end of a pipe inside this process; see `memory_pipe`."""

    def __init__(
        self, inbox: queue.SimpleQueue[bytes | None], outbox: queue.SimpleQueue[bytes | None]
    ) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._is_closed = False

    def send(self, data: bytes) -> None:
        if len(data) > MAX_FRAME_BYTES:
            raise ValueError(f"a frame of {len(data)} bytes is over the limit of {MAX_FRAME_BYTES}")
        if self._is_closed:
            raise ConnectionLost("closed")
        self._outbox.put(data)

    def receive(self) -> bytes:
        data = None if self._is_closed else self._inbox.get()
        if data is None:
            self._is_closed = True
            raise ConnectionLost("closed")
        return data

    def close(self) -> None:
        self._is_closed = True
        self._inbox.put(None)
        self._outbox.put(None)

    def release(self) -> None:
        pass


def memory_pipe() -> tuple[MemoryTransport, MemoryTransport]:
    """Returns two connected ends."""
    there: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    back: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    return MemoryTransport(back, there), MemoryTransport(there, back)
