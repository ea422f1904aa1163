"""An answer is written whole and once, whatever is missed on the way."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.answer import AnswerFollower, is_wanted
from app.cli.console import Console
from app.cli.inbox import Hurry
from app.client.protocol import AnswerNow, ChatView, Done, Refused, Send, Snapshot
from app.domain.chat import Chat, MessageStatus
from app.domain.engine import EngineState, EngineStatus
from app.domain.generation import Phase
from app.domain.notice import Action, Notice, NoticeCode
from app.errors import KnownError
from app.events import (
    ChatRemoved,
    EngineChanged,
    MessageAdded,
    MessageChanged,
    MessageGrew,
    TurnMoved,
    TurnNoticed,
)
from tests.cli.conftest import Terminal
from tests.cli.fake_client import INTERRUPT, FakeClient, FakeInbox, message

SEND = Send(chat_id="c", message_id="q", answer_id="a", text="hi")
STREAMING = MessageStatus.STREAMING
AGAIN = Snapshot(epoch="e", seq=1)


def grew(offset: int, text: str, message_id: str = "a") -> MessageGrew:
    return MessageGrew(chat_id="c", message_id=message_id, content_offset=offset, content=text)


def ended(text: str, status: MessageStatus = MessageStatus.COMPLETE) -> MessageChanged:
    return MessageChanged(message=message(status, text))


def view(answer) -> ChatView:
    return ChatView(chat=Chat(id="c", created_ms=0, updated_ms=0), messages=(answer,))


def follow(*items, client=None, writes=True, err=None):
    """Follows a script; returns what was written, the answer and the follower."""
    out = io.StringIO()
    client = client or FakeClient()
    follower = AnswerFollower(client, FakeInbox(*items), Console(out, err or io.StringIO()), writes=writes)
    answer = follower.follow(SEND)
    return out.getvalue(), answer, follower


def test_text_is_written_as_it_grows():
    out, answer, _ = follow(Done(), grew(0, "one"), grew(3, " two"), ended("one two"))
    assert (out, answer.content) == ("one two\n", "one two")


def test_other_answers_are_left_alone():
    other = MessageChanged(message=message(message_id="b", content="x"))
    out, _, _ = follow(grew(0, "x", "b"), other, ended("one\n"))
    assert out == "one\n"


def test_text_that_is_only_in_the_end_is_written():
    assert follow(grew(0, "one"), ended("one two"))[0] == "one two\n"


def test_an_answer_without_text_writes_nothing():
    assert follow(ended(""))[0] == ""


def test_a_gap_is_read_and_not_guessed():
    client = FakeClient(OpenChat=view(message(STREAMING, "one two")))
    out, _, _ = follow(grew(4, "two"), grew(7, " three"), ended("one two three"), client=client)
    assert out == "one two three\n"
    assert client.names() == ["Send", "OpenChat"]


def test_after_a_reconnect_the_rest_is_written():
    client = FakeClient(OpenChat=view(message(STREAMING, "one two")))
    out, _, _ = follow(grew(0, "one"), AGAIN, grew(3, " two"), grew(7, "!"), ended("one two!"), client=client)
    assert out == "one two!\n"


def test_an_answer_that_ended_meanwhile():
    client = FakeClient(OpenChat=view(message(MessageStatus.INTERRUPTED, "on")))
    out, answer, _ = follow(grew(0, "one"), AGAIN, client=client)
    assert (out, answer.status) == ("one\n", MessageStatus.INTERRUPTED)


def test_a_message_that_a_new_host_does_not_know_yet_is_waited_for():
    client = FakeClient(OpenChat=KnownError.of(NoticeCode.MESSAGE_NOT_FOUND, message_id="a"))
    assert follow(AGAIN, ended("one"), client=client)[0] == "one\n"


def test_a_chat_that_is_gone_is_an_error():
    client = FakeClient(OpenChat=KnownError.of(NoticeCode.CHAT_NOT_FOUND, chat_id="c"))
    with pytest.raises(KnownError, match="chat-not-found"):
        follow(AGAIN, client=client)


def test_a_refused_message_is_an_error():
    with pytest.raises(KnownError, match="chat-busy"):
        follow(Refused(notice=Notice(code=NoticeCode.CHAT_BUSY)))


def test_ctrl_c_stops_the_answer_and_keeps_what_there_is():
    client = FakeClient()
    out, answer, follower = follow(
        grew(0, "one"), INTERRUPT, grew(3, " two"), ended("one two", MessageStatus.STOPPED), client=client
    )
    assert (out, answer.status) == ("one two\n", MessageStatus.STOPPED)
    assert follower.was_interrupted
    assert client.names() == ["Send", "StopTurn"]


@pytest.mark.parametrize("second", [[INTERRUPT], []])
def test_a_second_ctrl_c_or_a_silent_host_is_not_waited_for(second):
    with pytest.raises(KeyboardInterrupt):
        follow(grew(0, "one"), INTERRUPT, *second)


def test_what_is_held_back_is_in_the_answer():
    out, answer, _ = follow(grew(0, "one"), ended("one"), writes=False)
    assert (out, answer.content) == ("", "one")


def test_progress_on_a_terminal():
    err = Terminal()
    loading = EngineStatus(model_id="m", state=EngineState.LOADING, progress=0.5)
    moved = TurnMoved(chat_id="c", message_id="a", phase=Phase.PREFILL, done=5, total=9)
    decoding = TurnMoved(chat_id="c", message_id="a", phase=Phase.DECODE)
    follow(EngineChanged(status=loading), moved, decoding, ended("one"), err=err)
    assert "Loading m… 50%" in err.getvalue()
    assert "5 of 9 tokens" in err.getvalue()


def test_which_events_are_of_use():
    status = EngineStatus(model_id="m", state=EngineState.READY)
    assert is_wanted(grew(0, "x"), "c")
    assert is_wanted(ended("x"), "c")
    assert is_wanted(EngineChanged(status=status), "c")
    assert not is_wanted(grew(0, "x"), "another")
    assert not is_wanted(ended("x"), "another")
    assert not is_wanted(ChatRemoved(chat_id="c"), "c")
    assert not is_wanted(MessageAdded(message=message()), "c")


@given(st.text(min_size=1), st.data())
def test_written_whole_and_once_however_the_pieces_come(text, data):
    """Pieces overlap, repeat or go missing; reads and reconnects come in between."""
    items, reached = [], 0
    for _ in range(data.draw(st.integers(0, 6))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, len(text)))
        reached = max(reached, stop)
        items.append(data.draw(st.sampled_from([grew(start, text[start:stop]), AGAIN])))
    client = FakeClient(OpenChat=view(message(STREAMING, text[:reached])))
    out, _, _ = follow(*items, ended(text), client=client)
    assert out == (text if text.endswith("\n") else text + "\n")


def test_in_a_hurry_it_is_told_to_answer_now():
    client = FakeClient()
    out, answer, follower = follow(Hurry(), grew(0, "one"), ended("one"), client=client)
    assert (out, answer.status, follower.was_interrupted) == ("one\n", MessageStatus.COMPLETE, False)
    assert client.asked[-1] == AnswerNow(answer_id="a")


def test_thoughts_in_circles_are_told_on_a_terminal():
    notice = Notice(code=NoticeCode.REASONING_REPEATS, actions=(Action.ANSWER_NOW,))
    told = TurnNoticed(chat_id="c", message_id="a", notice=notice)
    terminal, pipe = Terminal(), io.StringIO()
    follow(told, ended("one"), err=terminal)
    follow(told, ended("one"), err=pipe)
    assert "repeats itself" in terminal.getvalue()
    assert pipe.getvalue() == ""
    assert is_wanted(told, "c")
    assert not is_wanted(told, "d")
