from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from app.client.protocol import (
    Answer,
    Done,
    Hello,
    Identity,
    ListChats,
    Refused,
    Request,
    Snapshot,
    Subscribe,
    Welcome,
    decode_to_client,
    encode,
)
from app.client.transport import ConnectionLost, MemoryTransport, memory_pipe
from app.domain.notice import Notice, NoticeCode
from app.events import ChatRemoved
from app.host.session import SendReply, Session

ME = Identity(version="1")


class SmallHousehold:
    """Greets as told, replies Done, and remembers who left."""

    def __init__(self) -> None:
        self.greeting: Welcome | Refused | None = Welcome(identity=ME, epoch="e")
        self.gone: list[str] = []
        self.has_left = threading.Event()

    def greet(self, identity: Identity) -> Welcome | Refused | None:
        return self.greeting

    def carry_out(self, request: Request, session: Session, reply: SendReply) -> None:
        is_subscription = isinstance(request.command, Subscribe)
        reply(Snapshot(epoch="e", seq=0) if is_subscription else Done())

    def left(self, session: Session) -> None:
        self.gone.append(session.id)
        self.has_left.set()


@pytest.fixture
def household() -> SmallHousehold:
    return SmallHousehold()


@pytest.fixture
def ours() -> Iterator[MemoryTransport]:
    ours, theirs = memory_pipe()
    ours.theirs = theirs  # type: ignore[attr-defined]
    yield ours
    ours.close()


@pytest.fixture
def session(household: SmallHousehold, ours: MemoryTransport) -> Iterator[Session]:
    session = Session(ours.theirs, household)  # type: ignore[attr-defined]
    session.start()
    yield session
    session.close()
    session.join()


def ask(transport: MemoryTransport, request: Request) -> Answer:
    transport.send(encode(request))
    answer = decode_to_client(transport.receive())
    assert isinstance(answer, Answer)
    assert answer.id == request.id
    return answer


def test_a_greeting_then_replies_and_events(session: Session, ours: MemoryTransport) -> None:
    assert isinstance(ask(ours, Request(id="1", command=Hello(identity=ME))).reply, Welcome)
    assert session.identity == ME
    session.happened(ChatRemoved(chat_id="unheard"))
    assert isinstance(ask(ours, Request(id="2", command=Subscribe())).reply, Snapshot)
    session.happened(ChatRemoved(chat_id="heard"))
    assert b"heard" in ours.receive()


@pytest.mark.parametrize(
    "first", [b"rubbish", encode(Request(id="1", command=ListChats()))], ids=["rubbish", "no greeting"]
)
def test_who_does_not_greet_is_shown_out(
    session: Session, household: SmallHousehold, ours: MemoryTransport, first: bytes
) -> None:
    ours.send(first)
    with pytest.raises(ConnectionLost):
        ours.receive()
    session.join()
    assert household.gone == [session.id]


def test_a_refusal_still_reaches_the_client(
    session: Session, household: SmallHousehold, ours: MemoryTransport
) -> None:
    household.greeting = Refused(notice=Notice(code=NoticeCode.HOST_NEWER))
    assert ask(ours, Request(id="1", command=Hello(identity=ME))).reply == household.greeting
    with pytest.raises(ConnectionLost):
        ours.receive()


def test_no_greeting_from_a_leaving_host(
    session: Session, household: SmallHousehold, ours: MemoryTransport
) -> None:
    household.greeting = None
    ours.send(encode(Request(id="1", command=Hello(identity=ME))))
    with pytest.raises(ConnectionLost):
        ours.receive()


def test_a_client_that_goes_away_is_noticed(
    session: Session, household: SmallHousehold, ours: MemoryTransport
) -> None:
    ask(ours, Request(id="1", command=Hello(identity=ME)))
    ours.close()
    assert household.has_left.wait(20)


def test_close_sends_what_is_queued_first(session: Session, ours: MemoryTransport) -> None:
    ask(ours, Request(id="1", command=Hello(identity=ME)))
    ask(ours, Request(id="2", command=Subscribe()))
    session.happened(ChatRemoved(chat_id="last"))
    session.close()
    assert b"last" in ours.receive()
    session.join()
