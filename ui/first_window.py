"""One window a home: a second `cove` brings the first one forward, with the file it was given, and ends.

A socket of Python's, not QtNetwork, which would cost every start. Two that start in the same moment may both
open; they stay in step, so nothing is lost by it. Where there are no such sockets, each opens.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from PySide6.QtCore import QObject, QSocketNotifier, Signal

_PATIENCE_S = 0.5
_LONGEST_PATH = 65_536


class FirstWindow(QObject):
    """`address` is a path in a folder that only this user may enter, another for each home."""

    forward_wanted = Signal(str)  # with a file to open, or nothing

    def __init__(self, address: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._address = address
        self._server: socket.socket | None = None
        self._notifier: QSocketNotifier | None = None

    def call_other(self, file: str = "") -> bool:
        """Asks the window that is already there to come forward and open a file; False when there is none."""
        if not hasattr(socket, "AF_UNIX"):
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.settimeout(_PATIENCE_S)
            try:
                caller.connect(self._address)
                caller.sendall(os.fsencode(file))
            except OSError:
                return False
        return True

    def listen(self) -> bool:
        """From here on others find this window; after `call_other` found none."""
        if not hasattr(socket, "AF_UNIX"):
            return False
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            Path(self._address).unlink(missing_ok=True)  # what a window that was killed has left
            server.bind(self._address)
            server.listen()
        except OSError:
            server.close()
            return False
        server.setblocking(False)
        self._server = server
        self._notifier = QSocketNotifier(server.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_call)
        return True

    def close(self) -> None:
        if self._server is not None and self._notifier is not None:
            self._notifier.setEnabled(False)
            self._server.close()
            self._server = None
            Path(self._address).unlink(missing_ok=True)

    def _on_call(self) -> None:
        if self._server is None:
            return
        try:
            caller, _ = self._server.accept()
            with caller:
                caller.settimeout(_PATIENCE_S)
                said = b"".join(iter(lambda: caller.recv(_LONGEST_PATH), b""))
        except OSError:  # it has gone again
            return
        self.forward_wanted.emit(os.fsdecode(said))
