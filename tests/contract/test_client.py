"""What every client may rely on, over the in-process twin and over the real socket alike."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.client.client import Client, ConnectionState
from app.client.protocol import (
    MAX_FRAME_BYTES,
    Answer,
    ChatView,
    ContinueAnswer,
    CreateChat,
    ListProcesses,
    MessagePage,
    OpenChat,
    Processes,
    ReadMessages,
    ReadTree,
    Send,
    StopTurn,
    encode,
)
from app.domain.chat import Chat, Message, MessageStatus, Role
from app.domain.ids import new_id
from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.events import ChatChanged, HostLeaving, MessageAdded, MessageChanged, MessageGrew
from app.store.store import Store
from tests.fakes.hosts import HostUnderTest, TwinHost, host_under_test, identity
from tests.fakes.recorder import Recorder
from tests.waiting import wait_until


@pytest.fixture(params=["twin", "socket"])
def host(request: pytest.FixtureRequest, home: Path) -> Iterator[HostUnderTest]:
    with host_under_test(request.param, home) as host:
        yield host


def start_chat(client: Client, chat_id: str | None = None) -> str:
    chat_id = chat_id or new_id()
    client.call(CreateChat(chat_id=chat_id))
    return chat_id


def send(client: Client, chat_id: str, text: str, parent_id: str | None = None) -> Send:
    """Sends, and returns the command that was carried out."""
    command = Send(chat_id=chat_id, message_id=new_id(), answer_id=new_id(), text=text, parent_id=parent_id)
    client.call(command)
    return command


def opened(client: Client, chat_id: str) -> ChatView:
    view = client.call(OpenChat(chat_id=chat_id))
    assert isinstance(view, ChatView)
    return view


def test_a_chat_opened_in_mid_answer_has_all_that_was_told_of_it(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    chat_id = start_chat(client)
    sent = send(client, chat_id, "/hold one two three")
    heard.wait_for_text(sent.answer_id, len("one two three"))
    # At once, so that the turn's next save is still to come: what follows has to join on.
    (_, answer) = opened(client, chat_id).messages
    assert answer.content == heard.text_of(sent.answer_id)
    page = client.call(ReadTree(chat_id=chat_id))
    assert isinstance(page, MessagePage)
    assert page.messages[1].content == answer.content
    client.call(StopTurn(answer_id=sent.answer_id))
    assert heard.wait_for_end(sent.answer_id).content == answer.content


def test_send_streams_an_answer_in_order(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    chat_id = start_chat(client)
    sent = send(client, chat_id, "one two three")

    answer = heard.wait_for_end(sent.answer_id)

    assert answer.status is MessageStatus.COMPLETE
    assert "one two three" in answer.content
    assert heard.text_of(sent.answer_id) == answer.content
    of_turn = [event for event in heard.events if not isinstance(event, ChatChanged)]
    kinds = [
        type(event) for event in of_turn if isinstance(event, MessageAdded | MessageGrew | MessageChanged)
    ]
    assert kinds[:2] == [MessageAdded, MessageAdded]
    assert kinds[-1] is MessageChanged
    assert set(kinds[2:-1]) == {MessageGrew}
    assert opened(client, chat_id).messages[-1] == answer
    assert opened(client, chat_id).chat.title == "one two three"


def test_stop_keeps_what_there_is(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    chat_id = start_chat(client)
    sent = send(client, chat_id, "/hold kept words")
    heard.wait_for_text(sent.answer_id, len("kept words"))

    client.call(StopTurn(answer_id=sent.answer_id))

    answer = heard.wait_for_end(sent.answer_id)
    assert answer.status is MessageStatus.STOPPED
    assert "kept words" in answer.content
    again = send(client, chat_id, "next", parent_id=sent.answer_id)
    assert heard.wait_for_end(again.answer_id).status is MessageStatus.COMPLETE


def test_a_stopped_answer_can_be_continued(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    chat_id = start_chat(client)
    sent = send(client, chat_id, "/hold some words")
    heard.wait_for_text(sent.answer_id, len("some words"))
    client.call(StopTurn(answer_id=sent.answer_id))
    stopped = heard.wait_for_end(sent.answer_id)

    go_on = ContinueAnswer(chat_id=chat_id, answer_id=sent.answer_id, turn_id=new_id())
    client.call(go_on)
    client.call(go_on)  # said twice, done once
    heard.wait_for(MessageChanged, lambda event: event.message.turn_id == go_on.turn_id)
    client.call(StopTurn(answer_id=sent.answer_id))

    ended = heard.wait_for(
        MessageChanged,
        lambda event: (
            event.message.turn_id == go_on.turn_id and event.message.status is not MessageStatus.STREAMING
        ),
    )
    assert ended.message.content.startswith(stopped.content)


def test_a_snapshot_shows_what_was_there_before(host: HostUnderTest) -> None:
    first = Recorder()
    client = host.client(first)
    chat_id = start_chat(client)
    first.wait_for_end(send(client, chat_id, "before").answer_id)

    second = Recorder()
    host.client(second)

    wait_until(lambda: second.snapshots)
    assert [chat.id for chat in second.snapshots[0].chats] == [chat_id]
    assert second.snapshots[0].settings
    assert second.states[-1] == (ConnectionState.CONNECTED, None)


def test_reconnect_in_mid_stream_misses_nothing(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    chat_id = start_chat(client)
    sent = send(client, chat_id, "/slow 5 " + "word " * 60)
    heard.wait_for_text(sent.answer_id)

    transport = client._transport
    assert transport is not None
    transport.close()
    wait_until(lambda: len(heard.snapshots) == 2, what="the snapshot of the new connection")
    view = opened(client, chat_id)

    final = heard.wait_for_end(sent.answer_id)
    assert view.messages[-1].status is MessageStatus.STREAMING
    assert final.status is MessageStatus.COMPLETE
    assert final.content.startswith(view.messages[-1].content)
    assert final.content.count("word") == 60
    assert (ConnectionState.LOST, None) in heard.states


def test_a_repeated_command_is_harmless(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    chat_id = start_chat(client)
    start_chat(client, chat_id)
    sent = send(client, chat_id, "once")
    client.call(sent)
    heard.wait_for_end(sent.answer_id)
    client.call(sent)

    host.restart()
    client.call(sent)

    messages = opened(client, chat_id).messages
    assert [message.content for message in messages if message.role is Role.USER] == ["once"]
    assert len(messages) == 2


def test_a_host_that_dies_in_mid_stream_keeps_the_message_and_the_part(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    chat_id = start_chat(client)
    sent = send(client, chat_id, "/hold these words are kept")
    heard.wait_for_text(sent.answer_id, len("these words are kept"))
    saved = Recorder()
    other = host.client(saved)
    wait_until(lambda: "these words are kept" in opened(other, chat_id).messages[-1].content)

    host.restart()
    wait_until(lambda: len(heard.snapshots) >= 2, what="the next host's snapshot")

    user, answer = opened(client, chat_id).messages
    assert user.content == "/hold these words are kept"
    assert answer.status is MessageStatus.INTERRUPTED
    assert "these words are kept" in answer.content


def test_two_clients_on_one_chat_hear_the_same(host: HostUnderTest) -> None:
    one, two = Recorder(), Recorder()
    first, _second = host.client(one), host.client(two)
    wait_until(lambda: one.snapshots and two.snapshots)
    chat_id = start_chat(first)
    sent = send(first, chat_id, "/long 300")

    assert one.wait_for_end(sent.answer_id) == two.wait_for_end(sent.answer_id)
    assert one.text_of(sent.answer_id) == two.text_of(sent.answer_id)


def test_one_turn_at_a_time_in_a_chat(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    chat_id = start_chat(client)
    sent = send(client, chat_id, "/hold")
    with pytest.raises(KnownError) as refusal:
        send(client, chat_id, "too early", parent_id=sent.message_id)
    assert refusal.value.notice.code is NoticeCode.CHAT_BUSY
    client.call(StopTurn(answer_id=sent.answer_id))
    heard.wait_for_end(sent.answer_id)


def test_a_client_that_stops_reading_holds_nobody_up(host: HostUnderTest) -> None:
    stuck, heard = Recorder(), Recorder()
    stuck_client, client = host.client(stuck), host.client(heard)
    wait_until(lambda: stuck.snapshots and heard.snapshots)
    stuck.gate.clear()
    chat_id = start_chat(client)
    try:
        # More events than a queue holds and more bytes than a socket's buffers do; they cannot all merge.
        for round_number in range(2500):
            client.call(CreateChat(chat_id=new_id(), title=f"{round_number} " + "x" * 900))
        sent = send(client, chat_id, "/long 500")
        final = heard.wait_for_end(sent.answer_id)
    finally:
        stuck.gate.set()

    wait_until(lambda: len(stuck.snapshots) == 2, what="the snapshot after a resync")
    assert final.status is MessageStatus.COMPLETE
    assert opened(stuck_client, chat_id).messages[-1] == final


def test_a_chat_of_5000_messages_opens_whole_and_in_small_frames(host: HostUnderTest) -> None:
    chat_id, ids = make_long_chat(host, 5000)
    client = host.client()

    view = opened(client, chat_id)
    assert len(encode_reply(view)) < MAX_FRAME_BYTES
    assert view.outline.is_whole
    assert list(view.outline.ids) == ids
    assert [message.id for message in view.messages] == ids[-len(view.messages) :]

    seen = list(view.messages)
    has_older = view.has_older
    while has_older:
        page = client.call(ReadMessages(chat_id=chat_id, before_id=seen[0].id))
        assert isinstance(page, MessagePage)
        seen[:0] = page.messages
        has_older = page.has_more
    assert [message.id for message in seen] == ids

    told: list[str] = []
    has_more = True
    while has_more:
        page = client.call(ReadTree(chat_id=chat_id, after_id=told[-1] if told else None))
        assert isinstance(page, MessagePage)
        told += [message.id for message in page.messages]
        has_more = page.has_more
    assert told == ids


def test_an_older_idle_host_makes_room_for_a_newer_client(host: HostUnderTest) -> None:
    before = Recorder()
    old = host.client(before)
    chat_id = start_chat(old)
    newer = Recorder()
    client = host.client(newer, identity("99.0.0"))
    if isinstance(host, TwinHost):
        wait_until(host.is_gone, what="the older host's leaving")
        return

    assert opened(client, chat_id).chat.id == chat_id
    processes = client.call(ListProcesses())
    assert isinstance(processes, Processes)
    assert processes.version == "99.0.0"
    assert before.of(HostLeaving) == [HostLeaving(for_newer=True)]
    wait_until(lambda: len(before.snapshots) == 2, what="the older client at the newer host")
    assert opened(old, chat_id).chat.id == chat_id


def test_an_older_busy_host_finishes_first_and_the_client_says_so(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    chat_id = start_chat(client)
    sent = send(client, chat_id, "/hold words")
    heard.wait_for_text(sent.answer_id)

    newer = Recorder()
    host.client(newer, identity("99.0.0"))
    wait_until(lambda: newer.states)

    state, notice = newer.states[-1]
    assert state is ConnectionState.REFUSED
    assert notice is not None
    assert notice.code is NoticeCode.HOST_OLDER_BUSY
    assert not host.is_gone()
    client.call(StopTurn(answer_id=sent.answer_id))
    heard.wait_for_end(sent.answer_id)
    if isinstance(host, TwinHost):
        wait_until(host.is_gone, what="the older host's leaving after its turn")
    else:
        wait_until(lambda: newer.snapshots, what="the newer host")


def test_a_client_of_an_older_protocol_is_told(host: HostUnderTest) -> None:
    start_chat(host.client())
    heard = Recorder()
    outdated = host.client(heard, identity("0.0.1", protocol=0))

    with pytest.raises(KnownError) as refusal:
        outdated.call(CreateChat(chat_id=new_id()))
    assert refusal.value.notice.code is NoticeCode.HOST_NEWER
    assert heard.states[-1][0] is ConnectionState.REFUSED


def test_five_clients_at_once_get_one_host(host: HostUnderTest) -> None:
    clients: list[Client] = []
    gate = threading.Barrier(5)

    def join() -> None:
        gate.wait()
        clients.append(host.client())

    threads = [threading.Thread(target=join) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    told = [client.call(ListProcesses()) for client in clients]
    assert len({processes.host_pid for processes in told}) == 1
    chats = {start_chat(client) for client in clients}
    for client in clients:
        for chat_id in chats:
            assert opened(client, chat_id).chat.id == chat_id


def make_long_chat(host: HostUnderTest, count: int) -> tuple[str, list[str]]:
    """Writes a chat into the home's store, beside the host."""
    host.client().call(ListProcesses())  # the store is open now
    store = Store.open(host.paths.database)
    chat_id, ids = new_id(), [new_id() for _ in range(count)]
    store.chats.add(Chat(id=chat_id, created_ms=1, updated_ms=1, title="long"))
    parents = [None, *ids[:-1]]
    store.messages.add_all(
        Message(
            id=message_id,
            chat_id=chat_id,
            role=Role.ASSISTANT if index % 2 else Role.USER,
            created_ms=index + 2,
            parent_id=parents[index],
            content=f"message {index} " + "text " * 40,
        )
        for index, message_id in enumerate(ids)
    )
    store.chats.update(Chat(id=chat_id, created_ms=1, updated_ms=2, title="long", head_id=ids[-1]))
    store.close()
    return chat_id, ids


def encode_reply(view: ChatView) -> bytes:
    return encode(Answer(id=new_id(), reply=view))
