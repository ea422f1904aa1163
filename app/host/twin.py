"""A host inside this process: the same sessions and commands, over memory instead of the socket.

For tests, and for whoever wants to drive a core without a second process.
"""

from __future__ import annotations

import os

import app
from app.client.client import Client, ClientListener
from app.client.protocol import ClientKind, Identity
from app.client.transport import Transport, memory_pipe
from app.core import Core
from app.host.host import Host


class Twin:
    """Owns a host over a started core; `client()` makes clients of it. Close the clients first."""

    def __init__(self, core: Core) -> None:
        self.host = Host(core)

    def connect(self, *, start: bool = True) -> Transport:
        """A new connection's client end; there is nothing to start."""
        ours, theirs = memory_pipe()
        self.host.admit(theirs)
        return ours

    def client(self, listener: ClientListener | None = None, identity: Identity | None = None) -> Client:
        who = identity or Identity(version=app.__version__, kind=ClientKind.TEST, pid=os.getpid())
        return Client(self.connect, who, listener=listener).start()

    def close(self) -> None:
        self.host.close()
