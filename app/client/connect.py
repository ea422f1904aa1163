"""How a client finds the host of a home, proves who it is, and starts a host when there is none."""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import app
from app.client.client import Client, ClientListener
from app.client.protocol import ClientKind, Identity
from app.client.transport import ConnectionLost, SocketTransport, Transport, shut_down
from app.domain.notice import Action, NoticeCode
from app.errors import KnownError
from app.paths import Paths
from app.spawn import Role, host_environment, spawn

START_LIMIT_S = 10.0
HANDSHAKE_LIMIT_S = 2.0
_POLL_S = 0.01
MAX_ERRORS_BYTES = 1_000_000

# A command may use its client's Hub and proxy settings (they are not the host's); nothing else is sent.
COMMAND_VARIABLES = (
    "HF_ENDPOINT",
    "HF_TOKEN",
    "HF_HUB_OFFLINE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)


def open_client(
    paths: Paths,
    *,
    kind: ClientKind = ClientKind.CLI,
    listener: ClientListener | None = None,
    identity: Identity | None = None,
    may_start: bool = True,
) -> Client:
    """Returns a started client of this home's host. Never blocks and never raises for the host's absence:
    that comes as a connection change, and as refusals."""
    who = identity or Identity(version=app.__version__, kind=kind, pid=os.getpid())
    connector = HostConnector(paths, may_start=may_start)
    environment = command_environment(os.environ)
    return Client(connector, who, listener=listener, environment=environment, closed=connector.closed).start()


def command_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that travel with commands, under their upper-case names."""
    found = {name: environment.get(name) or environment.get(name.lower()) for name in COMMAND_VARIABLES}
    return {name: value for name, value in found.items() if value}


@dataclass(slots=True)
class HostConnector:
    """Connects to the host of a home; starts one if nobody listens and `may_start`. `closed` ends a wait."""

    paths: Paths
    may_start: bool = True
    limit_s: float = START_LIMIT_S
    start: Callable[[Paths], None] = field(default_factory=lambda: start_host)
    closed: threading.Event = field(default_factory=threading.Event)

    def __call__(self, *, start: bool) -> Transport | None:
        """Raises KnownError: HOST_NOT_RUNNING, HOME_NOT_WRITABLE, HOST_UNREACHABLE after `limit_s`."""
        deadline = time.monotonic() + self.limit_s
        next_start = 0.0
        while True:
            try:
                return connect_once(self.paths)
            except (OSError, ConnectionLost) as error:
                if not self.may_start:
                    raise KnownError.of(NoticeCode.HOST_NOT_RUNNING) from error
                if not start:
                    return None
                if time.monotonic() > deadline:
                    raise _unreachable(self.paths, error) from error
            if time.monotonic() >= next_start:
                # Again each second: the host that was there may have been leaving when the last one lost
                # the race for the lock. Losers end at once and harm nobody.
                self.start(self.paths)
                next_start = time.monotonic() + 1.0
            if self.closed.wait(_POLL_S):
                return None


def connect_once(paths: Paths) -> Transport:
    """Connects and proves knowledge of the key. Raises OSError or ConnectionLost when there is no host."""
    address = paths.address.read_text(encoding="utf-8")
    key = paths.key.read_bytes()
    family = "AF_PIPE" if address.startswith("\\\\") else "AF_UNIX"
    connection = multiprocessing.connection.Client(address, family)
    authenticate(connection, key, is_host=False)
    return SocketTransport(connection)


def authenticate(connection: Any, key: bytes, *, is_host: bool) -> None:
    """Proves to the other side that this one knows the key, and the other way round.

    Both ends within HANDSHAKE_LIMIT_S; raises ConnectionLost, with the connection closed, otherwise.
    """
    late = threading.Timer(HANDSHAKE_LIMIT_S, lambda: shut_down(connection))
    late.daemon = True
    late.start()
    try:
        steps = [multiprocessing.connection.deliver_challenge, multiprocessing.connection.answer_challenge]
        for step in steps if is_host else reversed(steps):
            step(connection, key)
    except (OSError, EOFError, AssertionError, ValueError, multiprocessing.AuthenticationError) as error:
        connection.close()
        raise ConnectionLost(f"handshake failed: {error}") from error
    finally:
        late.cancel()
        late.join()


def start_host(paths: Paths) -> None:
    """Starts a host that outlives us. Raises KnownError (HOME_NOT_WRITABLE) when the home cannot be made."""
    try:
        paths.make()
        log_path = host_errors(paths)
        is_long = log_path.exists() and log_path.stat().st_size > MAX_ERRORS_BYTES
        with log_path.open("wb" if is_long else "ab") as errors:
            starter = spawn(
                Role.HOST,
                "--home",
                str(paths.home),
                "--detach",
                cwd=paths.home,
                environment=host_environment(),
                log=errors.fileno(),
            )
    except OSError as error:
        raise KnownError.of(NoticeCode.HOME_NOT_WRITABLE, path=str(paths.home)) from error
    # With --detach the process forks and ends at once: the host is nobody's child, and needs no reaping.
    starter.wait()


def host_errors(paths: Paths) -> Path:
    """The file that takes what a host prints before (or without) its own log."""
    return paths.logs / "host.stderr.log"


def _unreachable(paths: Paths, error: Exception) -> KnownError:
    """With the last thing the host printed, which is its traceback's end if it fell over at its start."""
    with contextlib.suppress(OSError):
        lines = host_errors(paths).read_text(errors="replace").splitlines()
        error = RuntimeError(lines[-1]) if lines else error
    detail = str(error) or type(error).__name__
    return KnownError.of(
        NoticeCode.HOST_UNREACHABLE, Action.RETRY, Action.OPEN_LOG, detail=detail, log=str(paths.logs)
    )
