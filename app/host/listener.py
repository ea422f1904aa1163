"""The control socket's listening end: takes connections and lets in those who know the key.

Accepting and authenticating are apart: one silent peer must not keep others waiting.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.client.connect import authenticate
from app.client.transport import ConnectionLost, SocketTransport, Transport
from app.host.doors import open_door
from app.paths import Paths

log = logging.getLogger(__name__)

KEY_BYTES = 32


class HostListener:
    """Listens from construction to `close`. `admit` gets each proved transport, on a thread of its own.

    Raises OSError when the socket cannot be made. The caller holds the home's lock.
    """

    def __init__(self, paths: Paths, admit: Callable[[Transport], None]) -> None:
        self._paths = paths
        self._admit = admit
        self._key = _read_or_make_key(paths.key)
        self._door = open_door(paths.socket)
        paths.address.write_text(paths.socket, encoding="utf-8")
        self._thread = threading.Thread(target=self._accept, name="host-accept")
        self._thread.start()

    def close(self) -> None:
        """Stops listening. Connections already admitted live on."""
        self._door.close()
        self._thread.join()
        self._door.remove()
        self._paths.address.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection = self._door.accept()
            except OSError as error:
                log.info("A connection failed before it was accepted: %s", error)
                continue
            if connection is None:
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
