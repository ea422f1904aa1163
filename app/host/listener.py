"""The control socket's listening end: takes connections and lets in those who know the key.

Accepting and authenticating are apart: one silent peer must not keep others waiting.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing.connection
import os
import secrets
import stat
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.client.connect import authenticate
from app.client.transport import ConnectionLost, SocketTransport, Transport
from app.paths import Paths

log = logging.getLogger(__name__)

KEY_BYTES = 32
BACKLOG = 64


class HostListener:
    """Listens from construction to `close`. `admit` gets each proved transport, on a thread of its own.

    Raises OSError when the socket cannot be made. The caller holds the home's lock.
    """

    def __init__(self, paths: Paths, admit: Callable[[Transport], None]) -> None:
        self._paths = paths
        self._admit = admit
        self._key = _read_or_make_key(paths.key)
        self._closing = threading.Event()
        address = paths.socket
        if sys.platform == "win32":
            self._listener = multiprocessing.connection.Listener(address, "AF_PIPE")
        else:
            _make_private(Path(address).parent)
            Path(address).unlink(missing_ok=True)  # a killed host's; we hold the lock, so it is nobody's
            self._listener = multiprocessing.connection.Listener(address, "AF_UNIX", backlog=BACKLOG)
            Path(address).chmod(0o600)
        paths.address.write_text(address, encoding="utf-8")
        self._thread = threading.Thread(target=self._accept, name="host-accept")
        self._thread.start()

    def close(self) -> None:
        """Stops listening. Connections already admitted live on."""
        self._closing.set()
        with contextlib.suppress(OSError):
            # Closing the socket does not wake accept(); a connection does.
            multiprocessing.connection.Client(self._listener.address).close()
        self._thread.join()
        self._listener.close()
        self._paths.address.unlink(missing_ok=True)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection = self._listener.accept()
            except OSError as error:
                if not self._closing.is_set():
                    log.info("A connection failed before it was accepted: %s", error)
                continue
            if self._closing.is_set():
                connection.close()
                return
            threading.Thread(target=self._let_in, args=(connection,), name="host-greeter").start()

    def _let_in(self, connection: Connection[Any, Any]) -> None:
        try:
            authenticate(connection, self._key, is_host=True)
        except ConnectionLost as error:
            log.info("A peer was not let in: %s", error)
            return
        self._admit(SocketTransport(connection))


def _read_or_make_key(path: Path) -> bytes:
    """The key is made once per home, whole or not at all."""
    with contextlib.suppress(FileNotFoundError):
        key = path.read_bytes()
        if len(key) == KEY_BYTES:
            return key
    key = secrets.token_bytes(KEY_BYTES)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return key


def _make_private(folder: Path) -> None:
    """Makes the runtime folder, and refuses one that another user could have prepared."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to someone else")
    if stat.S_IMODE(facts.st_mode) != 0o700:
        folder.chmod(0o700)
