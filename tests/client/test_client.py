"""The client alone, against a host made of a few lines. Over real ones: tests/contract."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from app.client.client import Client, ConnectionState
from app.client.protocol import (
    Answer,
    Command,
    Done,
    Happened,
    Hello,
    Identity,
    ListChats,
    Quit,
    Refused,
    Reply,
    Request,
    Resync,
    Snapshot,
    StopTurn,
    Subscribe,
    Welcome,
    decode_request,
    encode,
)
from app.client.transport import ConnectionLost, MemoryTransport, memory_pipe
from app.domain.notice import Notice, NoticeCode
from app.errors import KnownError
from app.events import ChatRemoved, HostLeaving
from tests.fakes.recorder import Recorder
from tests.waiting import wait_until

ME = Identity(version="1")


class SmallHost:
    """Answers Hello and Subscribe by itself, and the rest as the test says; one connection at a time."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.starts: list[bool] = []  # of each attempt to connect: might it have started a host
        self.connections: list[MemoryTransport] = []
        self.greeting: Reply = Welcome(identity=ME, epoch="e")
        self.snapshot: Reply = Snapshot(epoch="e", seq=0)
        self.reply: Callable[[Command], Reply | None] = lambda command: Done()
        self._threads: list[threading.Thread] = []

    def connect(self, *, start: bool) -> MemoryTransport:
        self.starts.append(start)
        ours, theirs = memory_pipe()
        self.connections.append(theirs)
        thread = threading.Thread(target=self._serve, args=(theirs,))
        self._threads.append(thread)
        thread.start()
        return ours

    def _serve(self, transport: MemoryTransport) -> None:
        try:
            while True:
                request = decode_request(transport.receive())
                reply = self._answer(request)
                if reply is not None:
                    transport.send(encode(Answer(id=request.id, reply=reply)))
        except ConnectionLost:
            pass

    def _answer(self, request: Request) -> Reply | None:
        if isinstance(request.command, Hello):
            return self.greeting
        if isinstance(request.command, Subscribe):
            return self.snapshot
        self.commands.append(request.command)
        return self.reply(request.command)

    def close(self) -> None:
        for connection in self.connections:
            connection.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def host() -> Iterator[SmallHost]:
    host = SmallHost()
    yield host
    host.close()


@pytest.fixture
def heard() -> Recorder:
    return Recorder()


@pytest.fixture
def client(host: SmallHost, heard: Recorder) -> Iterator[Client]:
    client = Client(host.connect, ME, listener=heard).start()
    yield client
    client.close()


def test_a_call_returns_the_reply_and_raises_a_refusal(host: SmallHost, client: Client) -> None:
    assert client.call(ListChats()) == Done()
    host.reply = lambda command: Refused(notice=Notice(code=NoticeCode.NO_MODEL))
    with pytest.raises(KnownError) as refusal:
        client.call(ListChats())
    assert refusal.value.notice.code is NoticeCode.NO_MODEL


def test_a_host_that_does_not_answer_is_unreachable(host: SmallHost, client: Client) -> None:
    host.reply = lambda command: None
    with pytest.raises(KnownError) as refusal:
        client.call(ListChats(), timeout_s=0.05)
    assert refusal.value.notice.code is NoticeCode.HOST_UNREACHABLE


def test_commands_without_a_reply_are_repeated_in_order_on_the_next_connection(
    host: SmallHost, client: Client, heard: Recorder
) -> None:
    wait_until(lambda: heard.snapshots)
    host.reply = lambda command: None
    replies: list[Reply] = []
    for answer_id in "abc":
        client.request(StopTurn(answer_id=answer_id), replies.append)
    wait_until(lambda: len(host.commands) == 3)
    host.reply = lambda command: Done()
    host.connections[0].close()
    wait_until(lambda: len(replies) == 3)
    asked = [command.answer_id for command in host.commands if isinstance(command, StopTurn)]
    assert asked == ["a", "b", "c", "a", "b", "c"]
    assert [state for state, _ in heard.states] == [
        ConnectionState.CONNECTED,
        ConnectionState.LOST,
        ConnectionState.CONNECTED,
    ]


def test_a_quit_that_took_the_host_with_it_is_done_and_not_repeated(host: SmallHost, client: Client) -> None:
    host.reply = lambda command: None
    replies: list[Reply] = []
    client.request(Quit(), replies.append)
    wait_until(lambda: host.commands)
    host.connections[0].close()
    wait_until(lambda: replies)
    assert replies == [Done()]
    host.reply = lambda command: Done()
    client.call(ListChats())
    assert host.commands == [Quit(), ListChats()]


def test_a_host_that_said_goodbye_is_started_again_when_there_is_something_to_ask(
    host: SmallHost, heard: Recorder
) -> None:
    absent: list[bool] = []

    def connect(*, start: bool) -> MemoryTransport | None:
        if host.connections and not start:
            absent.append(True)
            return None
        return host.connect(start=start)

    client = Client(connect, ME, listener=heard).start()
    wait_until(lambda: heard.snapshots)
    host.connections[0].send(encode(Happened(seq=1, event=HostLeaving())))
    host.connections[0].send(encode(Happened(seq=2, event=ChatRemoved(chat_id="last words"))))
    heard.wait_for(ChatRemoved)
    host.connections[0].close()
    wait_until(lambda: len(absent) >= 2, what="attempts that start nothing")
    assert len(host.connections) == 1
    assert heard.states[-1] == (ConnectionState.LOST, Notice(code=NoticeCode.HOST_NOT_RUNNING))
    client.call(ListChats())
    assert len(host.connections) == 2
    client.close()


def test_a_gap_in_the_events_asks_for_a_new_snapshot(
    host: SmallHost, client: Client, heard: Recorder
) -> None:
    wait_until(lambda: heard.snapshots)
    for seq in (1, 3, 4):
        host.connections[0].send(encode(Happened(seq=seq, event=ChatRemoved(chat_id=str(seq)))))
    wait_until(lambda: len(heard.snapshots) == 2)
    assert [event.chat_id for event in heard.of(ChatRemoved)] == ["1"]


def test_a_resync_asks_for_a_new_snapshot(host: SmallHost, client: Client, heard: Recorder) -> None:
    wait_until(lambda: heard.snapshots)
    host.connections[0].send(encode(Resync()))
    wait_until(lambda: len(heard.snapshots) == 2)


def test_rubbish_from_the_host_ends_the_connection_and_another_is_made(
    host: SmallHost, client: Client, heard: Recorder
) -> None:
    wait_until(lambda: heard.snapshots)
    host.connections[0].send(b"\xffrubbish")
    wait_until(lambda: len(heard.snapshots) == 2)


def test_a_refused_greeting_is_told_to_who_waits_and_tried_again(host: SmallHost, heard: Recorder) -> None:
    notice = Notice(code=NoticeCode.HOST_NEWER)
    host.greeting = Refused(notice=notice)
    client = Client(host.connect, ME, listener=heard)
    replies: list[Reply] = []
    client.request(ListChats(), replies.append)
    client.start()
    wait_until(lambda: replies)
    assert replies == [Refused(notice=notice)]
    assert heard.states == [(ConnectionState.REFUSED, notice)]
    host.greeting = Welcome(identity=ME, epoch="e")
    wait_until(lambda: client.is_connected)
    client.close()


def test_a_host_that_cannot_open_its_home_is_told_and_not_started_over_and_over(
    host: SmallHost, heard: Recorder
) -> None:
    notice = Notice(code=NoticeCode.STORE_TOO_NEW, facts={"found": 9, "known": 1})
    host.snapshot = host_says = Refused(notice=notice)
    host.reply = lambda command: host_says
    client = Client(host.connect, ME, listener=heard).start()
    wait_until(lambda: (ConnectionState.REFUSED, notice) in heard.states)
    with pytest.raises(KnownError, match="store-too-new"):
        client.call(ListChats())
    assert len(host.connections) == 1
    client.close()


def test_what_the_connector_cannot_do_is_told(heard: Recorder) -> None:
    def connect(*, start: bool) -> MemoryTransport:
        raise KnownError.of(NoticeCode.HOST_NOT_RUNNING)

    client = Client(connect, ME, listener=heard).start()
    with pytest.raises(KnownError) as refusal:
        client.call(ListChats())
    assert refusal.value.notice.code is NoticeCode.HOST_NOT_RUNNING
    client.close()


def test_a_closed_client_refuses_and_may_be_closed_again(host: SmallHost, client: Client) -> None:
    host.reply = lambda command: None
    replies: list[Reply] = []
    client.request(ListChats(), replies.append)
    wait_until(lambda: host.commands)
    client.close()
    client.close()
    client.request(ListChats(), replies.append)
    assert all(isinstance(reply, Refused) for reply in replies)
    assert len(replies) == 2
    assert client.state is ConnectionState.CLOSED


def test_what_was_asked_just_before_the_end_still_arrives(
    host: SmallHost, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.client.client.DRAIN_S", 20)  # a busy machine may take longer than people wait
    client.call(ListChats())
    host.reply = lambda command: None  # an answer that nobody takes would end its thread early
    for number in range(40):
        client.request(StopTurn(answer_id=f"{number}"), lambda reply: None)
    client.close()
    wait_until(lambda: len(host.commands) == 41)


def test_a_host_that_takes_nothing_does_not_hold_up_the_end(heard: Recorder) -> None:
    ours, theirs = memory_pipe()
    client = Client(lambda *, start: ours, ME, listener=heard).start()
    hello = decode_request(theirs.receive())
    client.close()  # during the greeting
    assert isinstance(hello.command, Hello)
    assert client.state is ConnectionState.CLOSED


def test_a_client_without_a_listener_asks_for_no_events(host: SmallHost) -> None:
    client = Client(host.connect, ME).start()
    client.call(ListChats())
    assert client.is_connected
    client.close()
