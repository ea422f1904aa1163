"""What clients may rely on when several chats are answered at the same time, over the twin and the socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.client.client import Client
from app.client.protocol import CreateChat, ListProcesses, Owner, Processes, Send, StopTurn
from app.domain.chat import MessageStatus
from app.domain.generation import Priority
from app.domain.ids import new_id
from app.events import MessageChanged
from tests.fakes.hosts import HostUnderTest, host_under_test
from tests.fakes.recorder import Recorder
from tests.waiting import wait_until

TALK = "/slow 10 " + "word " * 3000


@pytest.fixture(params=["twin", "socket"])
def host(request: pytest.FixtureRequest, home: Path) -> Iterator[HostUnderTest]:
    with host_under_test(request.param, home) as host:
        yield host


def begin(client: Client, text: str = TALK, **fields: object) -> Send:
    """Sends to a chat of its own."""
    chat_id = new_id()
    client.call(CreateChat(chat_id=chat_id))
    command = Send(chat_id=chat_id, message_id=new_id(), answer_id=new_id(), text=text, **fields)
    client.call(command)
    return command


def answers(client: Client) -> int:
    """How many answers `cove ps` says are being made."""
    found = client.call(ListProcesses())
    assert isinstance(found, Processes)
    return sum(engine.active_requests for engine in found.engines)


def check_going(heard: Recorder, sent: Send) -> None:
    before = len(heard.text_of(sent.answer_id))
    heard.wait_for_text(sent.answer_id, before + 1)


def test_two_windows_are_answered_at_once_and_one_stop_leaves_the_other(host: HostUnderTest) -> None:
    heard, heard_too = Recorder(), Recorder()
    window, other = host.client(heard), host.client(heard_too)
    first, second = begin(window), begin(other)
    for sent in (first, second):
        heard.wait_for_text(sent.answer_id)
        heard_too.wait_for_text(sent.answer_id)
        check_going(heard, first)
    wait_until(lambda: answers(window) == 2, what="two answers")

    other.call(StopTurn(answer_id=first.answer_id))

    for listener in (heard, heard_too):
        assert listener.wait_for_end(first.answer_id).status is MessageStatus.STOPPED
        check_going(listener, second)
    wait_until(lambda: answers(other) == 1, what="one answer")
    window.call(StopTurn(answer_id=second.answer_id))
    assert heard_too.wait_for_end(second.answer_id).status is MessageStatus.STOPPED
    wait_until(lambda: answers(window) == 0, what="no answer")


def test_a_run_that_ends_leaves_the_windows_answer(host: HostUnderTest) -> None:
    heard = Recorder()
    window, run = host.client(heard), host.client(Recorder())
    watched = begin(window)
    gone = begin(run, owner=Owner.CLIENT, priority=Priority.PROGRAM)
    for sent in (watched, gone):
        heard.wait_for_text(sent.answer_id)

    run.close()

    ended = heard.wait_for_end(gone.answer_id)
    assert (ended.status, bool(ended.content)) == (MessageStatus.INTERRUPTED, True)
    check_going(heard, watched)
    window.call(StopTurn(answer_id=watched.answer_id))
    heard.wait_for_end(watched.answer_id)


def test_a_person_is_answered_before_a_program_that_asked_first(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    busy = [begin(client) for _ in range(4)]
    for sent in busy:
        heard.wait_for_text(sent.answer_id)
    program = begin(client, "a program", priority=Priority.PROGRAM)
    person = begin(client, "a person")
    wait_until(lambda: answers(client) == 6, what="six requests")

    client.call(StopTurn(answer_id=busy[0].answer_id))

    heard.wait_for_end(program.answer_id)
    ends = [event.message.id for event in heard.of(MessageChanged)]
    assert ends.index(person.answer_id) < ends.index(program.answer_id)
    for sent in busy[1:]:
        client.call(StopTurn(answer_id=sent.answer_id))
        heard.wait_for_end(sent.answer_id)
