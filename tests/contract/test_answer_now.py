"""A client may end the thoughts of any answer, over the twin and the socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.client.protocol import AnswerNow, CreateChat, OpenChat, Send
from app.domain.chat import MessageStatus
from app.domain.generation import Sampling
from app.domain.ids import new_id
from app.events import MessageChanged
from tests.fakes.hosts import HostUnderTest, host_under_test
from tests.fakes.recorder import Recorder
from tests.waiting import wait_until


@pytest.fixture(params=["twin", "socket"])
def host(request: pytest.FixtureRequest, home: Path) -> Iterator[HostUnderTest]:
    with host_under_test(request.param, home) as host:
        yield host


def send(text: str, **fields: object) -> Send:
    return Send(chat_id=new_id(), message_id=new_id(), answer_id=new_id(), text=text, **fields)


def ended(heard: Recorder, sent: Send) -> bool:
    return any(
        isinstance(event, MessageChanged)
        and event.message.id == sent.answer_id
        and event.message.status is MessageStatus.COMPLETE
        for event in heard.events
    )


def test_who_ponders_is_made_to_answer(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    sent = send("/ponder two words")
    client.call(CreateChat(chat_id=sent.chat_id))
    client.call(sent)
    client.call(AnswerNow(answer_id="unknown"))
    client.call(AnswerNow(answer_id=sent.answer_id))
    wait_until(lambda: ended(heard, sent), what="the answer")
    assert client.call(OpenChat(chat_id=sent.chat_id)).messages[-1].content == "two words"


def test_a_chat_says_how_its_model_thinks(host: HostUnderTest) -> None:
    heard = Recorder()
    client = host.client(heard)
    sent = send("/think two words", sampling=Sampling(reasoning_budget=1, thinking=True, effort="high"))
    silent = send("/think two words", sampling=Sampling(thinking=False))
    for each in (sent, silent):
        client.call(CreateChat(chat_id=each.chat_id))
        client.call(each)
        wait_until(lambda each=each: ended(heard, each), what="the answer")
    said = [client.call(OpenChat(chat_id=each.chat_id)).messages[-1] for each in (sent, silent)]
    assert [(answer.reasoning, answer.content) for answer in said] == [
        ("Let", "two words"),
        ("", "two words"),
    ]
