"""Two ways to have a host with the scripted engine: in this process, and the real one behind its socket."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import psutil

import app
from app.client.client import Client, ClientListener
from app.client.connect import HostConnector, connect_once
from app.client.protocol import ClientKind, Identity
from app.client.transport import ConnectionLost
from app.core import Core
from app.host.engines import engine_maker
from app.host.lock import HostLock
from app.host.twin import Twin
from app.paths import Paths, resolve
from app.spawn import host_environment
from tests.waiting import wait_until

# The host's own entry, as another version of Cove would have it.
_AS_VERSION = "import sys, app; app.__version__ = sys.argv.pop(1); from app.host.__main__ import main; main()"


def identity(version: str = app.__version__, **changes: int) -> Identity:
    return Identity(version=version, kind=ClientKind.TEST, pid=os.getpid(), **changes)


class HostUnderTest(Protocol):
    """What the contract suite needs of either host."""

    paths: Paths

    def client(self, listener: ClientListener | None = None, who: Identity | None = None) -> Client: ...

    def restart(self) -> None:
        """Ends the host as a kill would, as far as that is possible, and starts another on the same home."""

    def is_gone(self) -> bool:
        """Whether the host has left by itself."""

    def close(self) -> None: ...


class TwinHost:
    """In this process."""

    def __init__(self, home: Path) -> None:
        self.paths = resolve(home)
        self.paths.make()
        self._clients: list[Client] = []
        self._open()

    def _open(self) -> None:
        self.core = Core(self.paths, engine_maker("scripted", self.paths))
        self.core.start()
        self.twin = Twin(self.core)

    def client(self, listener: ClientListener | None = None, who: Identity | None = None) -> Client:
        client = Client(lambda *, start: self.twin.connect(), who or identity(), listener=listener).start()
        self._clients.append(client)
        return client

    def restart(self) -> None:
        self.core.close()
        twin = self.twin
        self._open()
        twin.close()

    def is_gone(self) -> bool:
        return self.twin.host.leaving.is_set()

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.core.close()
        self.twin.close()


class SocketHost:
    """The real process, started by the first client that finds none, tethered to this process by a FIFO."""

    def __init__(self, home: Path) -> None:
        self.paths = resolve(home)
        self.paths.make()
        self._clients: list[Client] = []
        self._tether = home.parent / f"{home.name}.tether"
        os.mkfifo(self._tether)
        # Opened for both, so that it opens at once; the host reads, and sees the end when we are gone.
        self._hold = os.open(self._tether, os.O_RDWR | os.O_CLOEXEC)

    def start(self, paths: Paths, version: str = app.__version__) -> None:
        """Starts a host as clients of a version do, with the scripted engine and a tether."""
        environment = host_environment({"COVE_ENGINE": "scripted", "COVE_TETHER": str(self._tether)})
        starter = subprocess.Popen(
            [sys.executable, "-c", _AS_VERSION, version, "--home", str(paths.home), "--detach"],
            cwd=paths.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        starter.wait()

    def client(self, listener: ClientListener | None = None, who: Identity | None = None) -> Client:
        who = who or identity()
        connector = HostConnector(self.paths, start=lambda paths: self.start(paths, who.version))
        client = Client(connector, who, listener=listener).start()
        self._clients.append(client)
        return client

    def restart(self) -> None:
        """Clients start the next one by themselves."""
        killed = self.processes()
        for process in killed:
            process.send_signal(signal.SIGKILL)
        wait_until(lambda: not set(killed) & set(self.processes()), what="the host's end")

    def is_gone(self) -> bool:
        return not self.processes()

    def processes(self) -> list[psutil.Process]:
        return hosts_of(self.paths.home)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        for process in self.processes():
            process.terminate()
        os.close(self._hold)
        wait_until(lambda: not self.processes(), what="the host's end")


@contextlib.contextmanager
def host_under_test(kind: str, home: Path) -> Iterator[HostUnderTest]:
    host = TwinHost(home) if kind == "twin" else SocketHost(home)
    try:
        yield host
    finally:
        host.close()


def hosts_of(home: Path) -> list[psutil.Process]:
    """The living host processes of a home."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            is_host = str(home) in line and any("app.host" in word for word in line)
            if is_host and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def has_host(paths: Paths) -> bool:
    """Whether somebody listens on a home."""
    try:
        transport = connect_once(paths)
    except (OSError, ConnectionLost):
        return False
    transport.close()
    transport.release()
    return True


def lock_is_free(paths: Paths) -> bool:
    lock = HostLock(paths.lock)
    if not lock.take():
        return False
    lock.release()
    return True
