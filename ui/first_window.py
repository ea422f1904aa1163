"""One window a home: a second `cove` brings the first one forward, with the file it was given, and ends.

A socket of Python's, not QtNetwork, which would cost every start. Who is first is settled under a lock. The
first one answers, so that a start is never lost to a window that is just closing. Where there are no such
sockets, each opens.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject, QSocketNotifier, Signal

_READ_S = 0.5  # for what a caller has to say
ANSWER_S = 5.0  # the first window may just be starting; one that hangs is not waited for longer
_POLL_S = 0.01
_PIECE_BYTES = 65_536
_DONE = b"+"
_TOKEN = "XDG_ACTIVATION_TOKEN"  # what a Wayland screen wants to see before a window comes forward


class FirstWindow(QObject):
    """`address` is a path in a folder that only this user may enter, another for each home."""

    forward_wanted = Signal(str, str)  # a file to open, or nothing; the screen's leave, or nothing

    def __init__(self, address: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._address = address
        self._server: socket.socket | None = None
        self._inode = 0  # of our socket's file: another may have taken its place
        self._notifier: QSocketNotifier | None = None

    def claim(self, file: str = "") -> bool:
        """Becomes the window that others find; False when there is one, which has then been called."""
        if not hasattr(socket, "AF_UNIX"):
            return True
        try:
            _make_private(Path(self._address).parent)
        except OSError:
            return True
        with _alone(f"{self._address}.lock"):
            if self.call_other(file):
                return False
            self.listen()
        return True

    def call_other(self, file: str = "") -> bool:
        """Asks the window that is already there to come forward and open a file; False when none answers."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.settimeout(ANSWER_S)
            try:
                caller.connect(self._address)
                caller.sendall(os.fsencode(f"{os.environ.get(_TOKEN, '')}\0{file}"))
                caller.shutdown(socket.SHUT_WR)
                return caller.recv(1) == _DONE
            except OSError:
                return False

    def listen(self) -> bool:
        """From here on others find this window; after `call_other` found none."""
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            Path(self._address).unlink(missing_ok=True)  # what a window that was killed has left
            server.bind(self._address)
            server.listen()
        except OSError:
            server.close()
            return False
        server.setblocking(False)
        self._server, self._inode = server, Path(self._address).stat().st_ino
        self._notifier = QSocketNotifier(server.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_call)
        return True

    def close(self) -> None:
        if self._server is not None and self._notifier is not None:
            self._notifier.setEnabled(False)
            self._server.close()
            self._server = None
            with contextlib.suppress(OSError):
                if Path(self._address).stat().st_ino == self._inode:
                    Path(self._address).unlink()

    def _on_call(self) -> None:
        if self._server is None:
            return
        try:
            caller, _ = self._server.accept()
            with caller:
                caller.settimeout(_READ_S)
                said = b"".join(iter(lambda: caller.recv(_PIECE_BYTES), b""))
                caller.sendall(_DONE)
        except OSError:  # it has gone again
            return
        token, _, file = os.fsdecode(said).partition("\0")
        self.forward_wanted.emit(file, token)


def take_leave(token: str) -> None:
    """Hands Qt what lets a window come forward: Wayland's screens ask whoever was started last for it."""
    if token:
        os.environ[_TOKEN] = token


@contextlib.contextmanager
def _alone(lock: str) -> Iterator[None]:
    """Lets one process at a time pass; who hangs in there holds nobody up for long."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with Path(lock).open("ab") as file:
        deadline = time.monotonic() + 2 * ANSWER_S
        while time.monotonic() < deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(_POLL_S)
        yield  # closing it lets go


def _make_private(folder: Path) -> None:
    """Makes the folder, as the host does, and refuses one that another user could have prepared."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or (hasattr(os, "getuid") and facts.st_uid != os.getuid()):
        raise PermissionError(f"{folder} belongs to someone else")
