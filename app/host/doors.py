"""Where connections come in: a Unix socket, or a named pipe on Windows. Both can be closed while one waits.

`multiprocessing.connection.Listener` alone cannot: closing its socket does not wake `accept`, and connecting
to oneself, the usual remedy, fails once the socket's file has been removed.
"""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import os
import select
import socket
import stat
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

BACKLOG = 64


class Door(Protocol):
    def accept(self) -> Connection[Any, Any] | None:
        """Waits for a connection; None once closed. Raises OSError when one failed as it came."""

    def close(self) -> None:
        """Wakes `accept`, from any thread."""

    def remove(self) -> None:
        """Frees what the system holds. After the last `accept`."""


def open_door(address: str) -> Door:
    """Raises OSError when the place cannot be had."""
    return PipeDoor(address) if sys.platform == "win32" else UnixDoor(address)


class UnixDoor:
    """A socket in a folder that only this user may enter."""

    def __init__(self, address: str) -> None:
        self._path = Path(address)
        _make_private(self._path.parent)
        self._path.unlink(missing_ok=True)  # a killed host's; the caller holds the lock, so it is nobody's
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.bind(address)
            self._path.chmod(0o600)
            self._socket.listen(BACKLOG)
        except OSError:
            self._socket.close()
            raise
        self._bell, self._ringer = socket.socketpair()

    def accept(self) -> Connection[Any, Any] | None:
        ready, _, _ = select.select([self._socket, self._bell], [], [])
        if self._bell in ready:
            return None
        peer, _ = self._socket.accept()
        return Connection(peer.detach())

    def close(self) -> None:
        self._ringer.send(b"x")

    def remove(self) -> None:
        for end in (self._socket, self._bell, self._ringer):
            end.close()
        self._path.unlink(missing_ok=True)


class PipeDoor:
    """A named pipe; only its maker's user may open it, which is Windows' default."""

    def __init__(self, address: str) -> None:
        self._listener = multiprocessing.connection.Listener(address, "AF_PIPE")
        self._closing = threading.Event()

    def accept(self) -> Connection[Any, Any] | None:
        connection = self._listener.accept()
        if self._closing.is_set():
            connection.close()
            return None
        return connection

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            multiprocessing.connection.Client(self._listener.address).close()

    def remove(self) -> None:
        self._listener.close()


def _make_private(folder: Path) -> None:
    """Makes the runtime folder, and refuses one that another user could have prepared."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to someone else")
    if stat.S_IMODE(facts.st_mode) != 0o700:
        folder.chmod(0o700)
