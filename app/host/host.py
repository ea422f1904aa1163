"""The host: a core behind the control socket, from its lock to its last breath.

Takes the home's lock, listens, then opens the store; leaves when nobody needs it (see `lifetime`).
"""

from __future__ import annotations

import logging
import os
import threading

import app
from app.client.protocol import (
    ClientKind,
    Done,
    Identity,
    ListProcesses,
    Processes,
    Quit,
    Refused,
    Request,
    Welcome,
)
from app.client.transport import Transport
from app.core import Core
from app.domain.notice import Action, Notice, NoticeCode
from app.events import Event, HostLeaving
from app.host.commands import Caller, Commands
from app.host.session import SendReply, Session

log = logging.getLogger(__name__)


class Host:
    """Serves sessions over a core that it does not own. `leaving` is set when it wants to end."""

    def __init__(self, core: Core, identity: Identity | None = None) -> None:
        self.identity = identity or Identity(version=app.__version__, kind=ClientKind.CLI, pid=os.getpid())
        self.leaving = threading.Event()
        self._core = core
        self._commands = Commands(core)
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._is_closed = False
        core.bus.listen(self._happened)

    @property
    def clients(self) -> int:
        with self._lock:
            return len(self._sessions)

    def admit(self, transport: Transport) -> None:
        """Starts a session on a transport whose other end has proved itself."""
        session = Session(transport, self)
        with self._lock:
            is_welcome = not self._is_closed
            if is_welcome:
                self._sessions[session.id] = session
        if is_welcome:
            session.start()
        else:
            transport.close()
            transport.release()

    def close(self) -> None:
        """Says goodbye and ends every session; what they were sent before still reaches them."""
        with self._lock:
            self._is_closed = True
            sessions = list(self._sessions.values())
        for session in sessions:
            session.close()
        for session in sessions:
            session.join()

    # Household: called on the sessions' threads

    def greet(self, identity: Identity) -> Welcome | Refused | None:
        mine, theirs = _version(self.identity), _version(identity)
        if theirs > mine:
            if self.leave(if_idle=True, for_newer=True):
                return None
            return Refused(notice=self._versions(NoticeCode.HOST_OLDER_BUSY, identity))
        if identity.protocol != self.identity.protocol:
            return Refused(notice=self._versions(NoticeCode.HOST_NEWER, identity, Action.UPDATE))
        return Welcome(identity=self.identity, epoch=self._core.epoch)

    def carry_out(self, request: Request, session: Session, reply: SendReply) -> None:
        command = request.command
        if isinstance(command, Quit):
            reply(self._quit(command))
            return
        caller = Caller(client_id=session.id, environment=request.environment, later=reply)
        if isinstance(command, ListProcesses):
            self._core.loop.post(lambda: reply(self._processes()))
        else:
            self._core.loop.post(lambda: self._commands.carry_out(command, caller))

    def left(self, session: Session) -> None:
        with self._lock:
            self._sessions.pop(session.id, None)
        self._core.loop.post(lambda: self._client_left(session.id))

    # Leaving

    def leave(self, *, if_idle: bool, for_newer: bool = False) -> bool:
        """Begins the end; False when `if_idle` and something runs."""
        if if_idle and self._core.loop.run(lambda: self._core.is_working):
            return False
        self._core.loop.post(lambda: self._core.bus.publish(HostLeaving(for_newer=for_newer)))
        self.leaving.set()
        return True

    def _quit(self, command: Quit) -> Done | Refused:
        if self.leave(if_idle=command.if_idle):
            return Done()
        return Refused(notice=Notice(code=NoticeCode.HOST_REFUSED, facts={"detail": "busy"}))

    # Parts

    def _happened(self, event: Event) -> None:
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            session.happened(event)

    def _client_left(self, client_id: str) -> None:
        if self._core.failure is None:
            self._core.chats.client_left(client_id)

    def _processes(self) -> Processes:
        core = self._core
        is_open = core.failure is None
        return Processes(
            host_pid=os.getpid(),
            version=self.identity.version,
            started_ms=core.started_ms,
            clients=self.clients,
            engines=core.residency.statuses() if is_open else (),
            last_exits=core.residency.last_exits() if is_open else (),
            contacted_hosts=core.ledger.hosts() if is_open else (),
        )

    def _versions(self, code: NoticeCode, identity: Identity, *actions: Action) -> Notice:
        facts = {"host_version": self.identity.version, "client_version": identity.version}
        return Notice(code=code, facts=dict(facts), actions=actions)


def _version(identity: Identity) -> tuple[int, ...]:
    """The numbers of a version, for comparing; what is not a number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in identity.version.split("."))
