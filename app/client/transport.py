"""A two-way stream of byte frames between a client and the host, over a socket or inside one process."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections import deque
from multiprocessing.connection import Connection
from typing import Any, Protocol

from app.client.protocol import MAX_FRAME_BYTES

MEMORY_FRAMES = 64


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


class _Lane:
    """One direction of a memory pipe; like a socket's buffer it holds up a sender whose reader is slow."""

    def __init__(self, limit: int = MEMORY_FRAMES) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._frames: deque[bytes] = deque()
        self._is_closed = False

    def put(self, data: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or len(self._frames) < self._limit)
            if self._is_closed:
                raise ConnectionLost("closed")
            self._frames.append(data)
            self._changed.notify_all()

    def get(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._frames)
            if not self._frames:
                raise ConnectionLost("closed")
            data = self._frames.popleft()
            self._changed.notify_all()
            return data

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class MemoryTransport:
    """One end of a pipe inside this process; see `memory_pipe`."""

    def __init__(self, inbound: _Lane, outbound: _Lane) -> None:
        self._inbound = inbound
        self._outbound = outbound

    def send(self, data: bytes) -> None:
        if len(data) > MAX_FRAME_BYTES:
            raise ValueError(f"a frame of {len(data)} bytes is over the limit of {MAX_FRAME_BYTES}")
        self._outbound.put(data)

    def receive(self) -> bytes:
        return self._inbound.get()

    def close(self) -> None:
        self._inbound.close()
        self._outbound.close()

    def release(self) -> None:
        pass


def memory_pipe() -> tuple[MemoryTransport, MemoryTransport]:
    """Returns two connected ends."""
    there, back = _Lane(), _Lane()
    return MemoryTransport(back, there), MemoryTransport(there, back)
