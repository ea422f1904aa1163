"""The transcript shows what the host has, whatever gets lost on the way."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.client.protocol import ContinueAnswer, OpenChat, ReadMessages, Regenerate, Send, StopTurn
from app.domain.chat import MessageStatus
from app.domain.generation import Phase
from app.domain.notice import Notice, NoticeCode
from app.events import ChatChanged, ChatRemoved, TurnMoved
from tests.ui.fake_client import FakeHost
from ui.bridge import Bridge
from ui.viewmodels.transcript import Transcript


@pytest.fixture
def transcript(bridge):
    transcript = Transcript(bridge)
    yield transcript
    transcript._settle.stop()


class Told:
    """Keeps what a transcript told, in order."""

    def __init__(self, transcript: Transcript) -> None:
        self.all: list[tuple[object, ...]] = []
        for name in ("opened", "reset", "appended", "older_added", "grew", "replaced", "truncated", "lost"):
            getattr(transcript, name).connect(lambda *facts, name=name: self.all.append((name, *facts)))

    def take(self) -> list[tuple[object, ...]]:
        taken, self.all = self.all, []
        return taken


def texts(transcript):
    return [message.content for message in transcript.messages]


def ask(host: FakeHost, bridge: Bridge, chat_id: str, text: str, parent_id: str | None = None) -> str:
    """Sends from another place than the composer and returns the answer's id."""
    head = parent_id or host.chats[chat_id].head_id
    number = len(host.messages)
    bridge.ask(
        Send(chat_id=chat_id, message_id=f"q{number}", answer_id=f"a{number}", text=text, parent_id=head)
    )
    return f"a{number}"


def test_opening_a_chat_reads_its_end(host, deliver, transcript):
    host.add_chat("c", "Hi", "Hello", title="Greeting")
    deliver()
    transcript.open("c")
    assert transcript.is_loading
    assert not transcript.is_ready
    deliver()
    assert texts(transcript) == ["Hi", "Hello"]
    assert transcript.chat.title == "Greeting"
    assert not transcript.is_loading
    assert transcript.is_ready


def test_an_answer_grows_piece_by_piece(host, bridge, deliver, transcript):
    host.add_chat("c")
    deliver()
    transcript.open("c")
    deliver()
    told = Told(transcript)
    ask(host, bridge, "c", "Hi")
    deliver()
    assert transcript.streaming is not None
    host.grow("", "Hm")
    deliver()
    host.grow("Hel")
    deliver()
    host.grow("lo")
    deliver()
    host.end()
    deliver()
    assert texts(transcript) == ["Hi", "Hello"]
    assert transcript.last.reasoning == "Hm"
    assert transcript.streaming is None
    assert told.take() == [
        ("appended", 0),
        ("appended", 1),
        ("grew", 1, "", "Hm"),
        ("grew", 1, "Hel", ""),
        ("grew", 1, "lo", ""),
        ("replaced", 1),
    ]


def test_a_piece_that_does_not_fit_makes_it_read_again(host, bridge, deliver, transcript):
    host.add_chat("c")
    deliver()
    transcript.open("c")
    ask(host, bridge, "c", "Hi")
    deliver()
    host.is_silent = True
    host.grow("lost ")
    host.is_silent = False
    host.grow("words")
    told = Told(transcript)
    deliver()
    assert texts(transcript) == ["Hi", "lost words"]
    assert told.take() == [("replaced", 1)]
    assert len(host.asked(OpenChat)) == 2


def test_until_it_was_read_again_nothing_more_is_asked(host, bridge, deliver, transcript):
    host.add_chat("c")
    deliver()
    transcript.open("c")
    ask(host, bridge, "c", "Hi")
    deliver()
    host.is_silent = True
    host.grow("lost ")
    host.is_silent = False
    host.is_holding = True
    for word in ("words ", "that ", "come"):
        host.grow(word)
        deliver()
    assert len(host.asked(OpenChat)) == 2
    host.let_go()
    deliver()
    assert texts(transcript) == ["Hi", "lost words that come"]


def test_what_comes_before_a_chat_was_read_is_not_taken_twice(host, bridge, deliver, transcript):
    host.add_chat("c")
    deliver()
    ask(host, bridge, "c", "Hi")
    host.is_holding = True
    transcript.open("c")
    host.grow("Hel")
    deliver()
    host.let_go()
    host.grow("lo")
    deliver()
    assert texts(transcript) == ["Hi", "Hello"]


def test_a_new_snapshot_only_tells_what_differs(host, bridge, deliver, transcript):
    host.add_chat("c", "1", "2")
    deliver()
    transcript.open("c")
    ask(host, bridge, "c", "3")
    deliver()
    told = Told(transcript)
    host.is_silent = True
    host.grow("4")
    host.end(MessageStatus.INTERRUPTED)
    ask(host, bridge, "c", "5")
    host.is_silent = False
    host.connect()
    deliver()
    assert texts(transcript) == ["1", "2", "3", "4", "5", ""]
    assert told.take() == [("replaced", 3), ("appended", 4)]


def test_another_answer_takes_the_place_of_the_last(host, deliver, transcript):
    host.add_chat("c", "Hi", "Hello")
    deliver()
    transcript.open("c")
    deliver()
    told = Told(transcript)
    transcript.regenerate("c-1", "other-model")
    deliver()
    host.grow("Good day")
    host.end()
    deliver()
    assert texts(transcript) == ["Hi", "Good day"]
    assert told.take()[:2] == [("truncated", 1), ("appended", 1)]
    (command,) = host.asked(Regenerate)
    assert (command.message_id, command.model_id) == ("c-0", "other-model")


def test_a_new_beginning_replaces_everything(host, bridge, deliver, transcript):
    host.add_chat("c", "Hi", "Hello")
    deliver()
    transcript.open("c")
    deliver()
    bridge.ask(Send(chat_id="c", message_id="q", answer_id="a", text="Other"))
    deliver()
    assert texts(transcript) == ["Other", ""]


def test_a_branch_chosen_elsewhere_is_followed(qtbot, host, bridge, deliver, transcript):
    host.add_chat("c", "Hi", "Hello", "More?", "Yes")
    deliver()
    transcript.open("c")
    deliver()
    host.chats["c"] = msgspec.structs.replace(host.chats["c"], head_id="c-1")
    host.say(ChatChanged(chat=host.chats["c"]))
    deliver()
    told = Told(transcript)
    qtbot.waitUntil(lambda: texts(transcript) == ["Hi", "Hello"])
    assert told.take() == [("truncated", 2)]


def test_an_answer_that_is_gone_on_with_keeps_its_text(host, bridge, deliver, transcript):
    host.add_chat("c")
    deliver()
    transcript.open("c")
    answer_id = ask(host, bridge, "c", "Hi")
    host.grow("Hel")
    deliver()
    transcript.stop()
    deliver()
    assert transcript.last.status is MessageStatus.STOPPED
    transcript.continue_answer(answer_id)
    deliver()
    assert transcript.streaming is not None
    host.grow("lo")
    host.end()
    deliver()
    assert texts(transcript) == ["Hi", "Hello"]
    assert [type(command) for command in host.commands[-2:]] == [StopTurn, ContinueAnswer]


def test_earlier_pages_come_on_demand(host, deliver, transcript):
    host.page_messages = 4
    host.add_chat("c", *(str(number) for number in range(10)))
    deliver()
    transcript.open("c")
    deliver()
    assert texts(transcript) == ["6", "7", "8", "9"]
    told = Told(transcript)
    transcript.read_older()
    transcript.read_older()  # while the first is on its way
    deliver()
    assert texts(transcript)[0] == "2"
    transcript.read_older()
    deliver()
    assert texts(transcript) == [str(number) for number in range(10)]
    assert not transcript.has_older
    assert told.take() == [("older_added", 4), ("older_added", 2)]
    transcript.read_older()
    assert len(host.asked(ReadMessages)) == 2


def test_a_page_for_a_chat_that_was_left_is_ignored(host, deliver, transcript):
    host.page_messages = 2
    host.add_chat("c", "1", "2", "3", "4")
    host.add_chat("d", "a", "b")
    deliver()
    transcript.open("c")
    deliver()
    host.is_holding = True
    transcript.read_older()
    transcript.open("d")
    host.let_go()
    deliver()
    assert texts(transcript) == ["a", "b"]


def test_only_the_last_chat_opened_counts(host, deliver, transcript):
    host.add_chat("c", "1", "2")
    host.add_chat("d", "a", "b")
    deliver()
    host.is_holding = True
    transcript.open("c")
    transcript.open("d")
    host.let_go(1)
    deliver()
    assert texts(transcript) == []
    host.let_go()
    deliver()
    assert transcript.chat_id == "d"
    assert texts(transcript) == ["a", "b"]


@pytest.mark.parametrize("how", ["removed", "not found"])
def test_a_chat_that_is_gone_is_let_go(host, deliver, transcript, how):
    host.add_chat("c", "Hi", "Hello")
    deliver()
    told = Told(transcript)
    if how == "not found":
        del host.chats["c"]
    transcript.open("c")
    deliver()
    if how == "removed":
        host.say(ChatRemoved(chat_id="c"))
        deliver()
    assert transcript.chat_id is None
    assert texts(transcript) == []
    assert told.take()[-1] == ("lost", "c")


def test_a_chat_that_cannot_be_read_says_so_and_can_be_read_later(host, deliver, transcript):
    host.add_chat("c", "Hi", "Hello")
    deliver()
    notices: list[Notice] = []
    transcript.unread.connect(notices.append)
    host.refusals[OpenChat] = Notice(code=NoticeCode.HOST_NEWER)
    transcript.open("c")
    deliver()
    assert notices == [Notice(code=NoticeCode.HOST_NEWER)]
    assert not transcript.is_ready  # or the next message would begin a second root
    host.refusals.clear()
    host.connect()
    deliver()
    assert texts(transcript) == ["Hi", "Hello"]
    assert transcript.is_ready


def test_a_refused_command_is_told(host, deliver, transcript):
    host.add_chat("c", "Hi", "Hello")
    deliver()
    transcript.open("c")
    deliver()
    notices: list[Notice] = []
    transcript.refused.connect(notices.append)
    host.refusals[Regenerate] = Notice(code=NoticeCode.MODEL_IN_USE)
    transcript.regenerate("c-1", None)
    deliver()
    assert notices == [Notice(code=NoticeCode.MODEL_IN_USE)]


def test_the_phase_is_that_of_the_answer_being_written(host, bridge, deliver, transcript):
    host.add_chat("c")
    deliver()
    transcript.open("c")
    first = ask(host, bridge, "c", "Hi")
    host.say(TurnMoved(chat_id="c", message_id=first, phase=Phase.PREFILL, done=1, total=9))
    deliver()
    assert transcript.move is not None
    assert transcript.move.done == 1
    host.end()
    ask(host, bridge, "c", "And?")
    deliver()
    assert transcript.move is None


STEPS = st.lists(
    st.sampled_from(["grow", "think", "end", "ask", "regenerate", "lose", "hear", "deliver", "connect"]),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_lost_it_ends_with_what_the_host_has(qapp, steps):
    host = FakeHost()
    bridge = Bridge(host.open)
    transcript = Transcript(bridge)

    def deliver() -> None:
        while bridge._inbox._items:
            bridge._deliver()

    host.add_chat("c", "Hi", "Hello")
    bridge.start()
    transcript.open("c")
    for step in steps:
        _take_step(step, host, bridge, deliver)
    host.is_silent = False
    host.connect()
    deliver()
    assert list(transcript.messages) == host.branch(host.chats["c"].head_id)
    transcript._settle.stop()
    bridge.close()


def _take_step(step, host, bridge, deliver):
    is_streaming = any(m.status is MessageStatus.STREAMING for m in host.messages.values())
    if step in ("grow", "think", "end") and is_streaming:
        if step == "end":
            host.end()
        else:
            host.grow(*(("word ", "") if step == "grow" else ("", "thought ")))
    elif step == "ask" and not is_streaming:
        ask(host, bridge, "c", "More?")
    elif step == "regenerate" and not is_streaming:
        head = host.messages[host.chats["c"].head_id]
        number = len(host.messages)
        bridge.ask(Regenerate(chat_id="c", message_id=head.parent_id, answer_id=f"r{number}"))
    elif step in ("lose", "hear"):
        host.is_silent = step == "lose"
    elif step == "deliver":
        deliver()
    elif step == "connect":
        host.is_silent = False
        host.connect()
