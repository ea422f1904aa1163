"""One client's connection as the host sees it: requests in, replies and events out.

Reading and writing have a thread each; commands are carried out on the core's thread. Neither a turn nor
an engine ever waits for a client.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from app.client.protocol import (
    Answer,
    Hello,
    Identity,
    ProtocolError,
    Refused,
    Reply,
    Request,
    Welcome,
    decode_request,
)
from app.client.transport import ConnectionLost, Transport
from app.domain.ids import new_id
from app.domain.notice import Notice, NoticeCode
from app.events import Event
from app.host.outbox import Outbox
from app.log import log_context

log = logging.getLogger(__name__)

FLUSH_S = 2.0

SendReply = Callable[[Reply], None]


class Household(Protocol):
    """What a session needs of the host."""

    def greet(self, identity: Identity) -> Welcome | Refused | None:
        """None: the host is leaving, and the client should look for its successor."""

    def carry_out(self, request: Request, session: Session, reply: SendReply) -> None:
        """Carries a command out on the core's thread; calls `reply` once, now or later."""

    def left(self, session: Session) -> None:
        """The client is gone."""


class Session:
    """Lives from an authenticated connection to its end. `id` is what a client's turns are owned by."""

    def __init__(self, transport: Transport, household: Household) -> None:
        self.id = new_id()
        self.identity: Identity | None = None
        self._transport = transport
        self._household = household
        self._outbox = Outbox()
        self._reader = threading.Thread(target=self._read, name="session-reader")
        self._writer = threading.Thread(target=self._write, name="session-writer")

    def start(self) -> None:
        self._writer.start()
        self._reader.start()

    def happened(self, event: Event) -> None:
        """Queues an event for the client, if it has subscribed. From the core's thread."""
        self._outbox.happened(event)

    def close(self) -> None:
        """Sends what is queued (to a client that reads), then ends the connection. Does not wait."""
        self._outbox.close()

    def join(self) -> None:
        """Waits for the end that `close` began; a client that does not read is cut off."""
        self._writer.join(FLUSH_S)
        self._transport.close()
        self._reader.join()

    def _read(self) -> None:
        try:
            if self._greet():
                while True:
                    self._take(decode_request(self._transport.receive()))
        except ConnectionLost as error:
            log.info("Client left: %s", error)
        except ProtocolError as error:
            log.info("Client sent something that is no request: %s", error)
        except Exception:
            log.exception("A session's reader failed")
        finally:
            self._outbox.close()
            self._household.left(self)
            self._writer.join(FLUSH_S)
            self._transport.close()  # frees a writer whose client does not read
            self._writer.join()
            self._transport.release()

    def _greet(self) -> bool:
        """Answers the first frame, which must be Hello; whether the client may stay."""
        request = decode_request(self._transport.receive())
        if not isinstance(request.command, Hello):
            raise ProtocolError("the first command was not Hello")
        self.identity = request.command.identity
        greeting = self._household.greet(self.identity)
        if greeting is None:
            return False
        self._outbox.answer(Answer(id=request.id, reply=greeting))
        return isinstance(greeting, Welcome)

    def _take(self, request: Request) -> None:
        with log_context(command=f"{type(request.command).__name__}:{request.id[-6:]}"):
            self._household.carry_out(request, self, lambda reply: self._reply(request, reply))

    def _reply(self, request: Request, reply: Reply) -> None:
        self._outbox.answer(Answer(id=request.id, reply=reply))

    def _write(self) -> None:
        try:
            while (data := self._outbox.take()) is not None:
                self._transport.send(data)
        except ConnectionLost:
            pass  # the reader sees it too
        except Exception:
            log.exception("A session's writer failed")
        finally:
            self._transport.close()


def bug(error: Exception) -> Refused:
    """The reply to a command that failed in a way nobody foresaw."""
    return Refused(notice=Notice(code=NoticeCode.BUG, facts={"detail": f"{type(error).__name__}: {error}"}))
