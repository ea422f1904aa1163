"""The transcript as it is read: what streams is added, what is read stays where it is."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QTextCursor

from app.client.protocol import ContinueAnswer, ReadMessages, Regenerate
from app.domain.chat import MessageStatus
from app.domain.engine import EngineState
from app.domain.generation import Phase, StopReason, Timings
from app.domain.notice import Notice, NoticeCode
from app.events import ModelAdded, TurnMoved
from tests.ui.fake_client import LARGER, STARTER
from ui.views.message_view import SHORTENED_CHARACTERS
from ui.views.transcript_view import MOST, STEP

TIMINGS = Timings(prompt_n=27, prompt_ms=84, predicted_n=212, predicted_ms=5133)
PARAGRAPH = "Some words that fill a line and then a bit more of the next one. " * 4 + "\n\n"


@pytest.fixture
def view(window, qapp, deliver):
    deliver()
    return window.transcript


@pytest.fixture
def settle(qapp, deliver):
    def settle():
        deliver()
        for _ in range(6):
            qapp.processEvents()

    return settle


@pytest.fixture
def ask(workspace, settle):
    def ask(text="Hi"):
        workspace.composer.set_text(text)
        workspace.composer.send()
        settle()

    return ask


@pytest.fixture
def open_chat(host, workspace, settle):
    def open_chat(*texts):
        host.add_chat("c", *texts)
        workspace.open_chat("c")
        settle()

    return open_chat


def test_what_streams_is_added_at_the_end_and_nothing_is_set_again(host, ask, view, settle):
    ask()
    host.grow("Hello")
    settle()
    changes: list[tuple[int, int, int]] = []
    view.views[-1].pane.panes()[0].document().contentsChange.connect(lambda *change: changes.append(change))
    for piece in (" there,", "\n\nhow are", " you?"):
        host.grow(piece)
        settle()
    host.end(timings=TIMINGS)
    settle()
    assert view.views[-1].pane.text() == "Hello there,\n\nhow are you?"
    assert [(position, removed) for position, removed, _ in changes] == [(5, 0), (12, 0), (20, 0)]


def test_a_selection_stays_while_text_is_added(host, ask, view, settle):
    ask()
    host.grow("Hello there")
    settle()
    pane = view.views[-1].pane.panes()[0]
    cursor = pane.textCursor()
    cursor.setPosition(6)
    cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
    pane.setTextCursor(cursor)
    host.grow(" and here")
    settle()
    assert pane.textCursor().selectedText() == "there"


def test_nothing_is_selected_by_streaming(host, ask, view, settle):
    ask()
    for piece in ("Hello", " there", "\n\nand more"):
        host.grow(piece)
        settle()
        assert view.views[-1].pane.selected_text() == ""


def test_a_caret_at_the_end_does_not_pull_the_reader_along(host, ask, view, settle):
    ask()
    host.grow(PARAGRAPH * 20)
    settle()
    pane = view.views[-1].pane.panes()[0]
    view.activateWindow()
    pane.setFocus()
    pane.moveCursor(QTextCursor.MoveOperation.End)
    settle()
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 2)
    place = view.verticalScrollBar().value()
    host.grow(PARAGRAPH)
    settle()
    assert view.verticalScrollBar().value() == place


def test_it_follows_the_end_only_while_the_reader_is_there(host, ask, view, settle):
    ask()
    bar = view.verticalScrollBar()
    for _ in range(20):
        host.grow(PARAGRAPH)
        settle()
    assert bar.maximum() > 0
    assert bar.value() == bar.maximum()
    bar.setValue(bar.maximum() // 2)
    place = bar.value()
    host.grow(PARAGRAPH)
    settle()
    assert bar.value() == place
    assert view._jump.isVisible()
    view._jump.click()
    host.grow(PARAGRAPH)
    settle()
    assert bar.value() == bar.maximum()
    assert not view._jump.isVisible()


def test_sending_brings_the_reader_to_the_end(host, ask, view, settle):
    ask()
    host.grow(PARAGRAPH * 20)
    host.end()
    settle()
    view.verticalScrollBar().setValue(0)
    assert not view.is_following
    ask("And?")
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_of_a_long_chat_only_the_end_is_built(open_chat, view):
    open_chat(*(f"{number}" for number in range(80)))
    assert len(view.views) == STEP
    assert view.views[-1].pane.text() == "79"


def test_going_up_builds_what_is_there_without_moving_what_is_read(qtbot, host, open_chat, view, settle):
    host.page_messages = 2 * STEP
    open_chat(*(f"{number}\n{PARAGRAPH}" for number in range(70)))
    bar = view.verticalScrollBar()
    first = view.views[0]
    bar.setValue(300)
    place = first.mapTo(view, QPoint(0, 0)).y()
    qtbot.waitUntil(lambda: len(view.views) == 2 * STEP)
    settle()
    assert abs(first.mapTo(view, QPoint(0, 0)).y() - place) <= 2
    bar.setValue(0)
    qtbot.waitUntil(lambda: bool(host.asked(ReadMessages)))
    settle()
    assert len(view.views) == 70
    assert view.views[0].pane.text().startswith("0\n")
    assert bar.value() > 0


def test_a_chat_that_does_not_fill_the_view_shows_all_of_it(qtbot, host, open_chat, view, deliver, window):
    host.page_messages = 4
    window.resize(900, 2400)
    open_chat(*(f"{number}" for number in range(10)))
    qtbot.waitUntil(lambda: (deliver(), len(view.views) == 10)[1])


def test_the_far_past_is_let_go_while_one_goes_on(host, ask, view, settle):
    for _ in range(MOST // 2 + 2):
        ask("more")
        host.end()
        settle()
    assert len(view.views) <= MOST
    assert view.views[-1].pane is not None
    assert len(host.messages) > MOST


@pytest.mark.parametrize(
    ("status", "changes", "parts"),
    [
        (MessageStatus.COMPLETE, {}, ["212 tokens", "41.3 tokens/s", "first token after 0.08 s"]),
        (MessageStatus.STOPPED, {}, ["stopped by you"]),
        (MessageStatus.INTERRUPTED, {}, ["interrupted, this much is kept"]),
        (MessageStatus.FAILED, {"notice": Notice(code=NoticeCode.ENGINE_DIED)}, ["failed"]),
        (MessageStatus.COMPLETE, {"stop_reason": StopReason.LENGTH}, ["cut at the length you set"]),
        (MessageStatus.COMPLETE, {"stop_reason": StopReason.CONTEXT_FULL}, ["context is full"]),
    ],
)
def test_the_line_under_an_answer_says_how_it_went(host, ask, view, settle, status, changes, parts):
    ask()
    host.grow("Hello")
    host.end(status, timings=TIMINGS, **changes)
    settle()
    answer = view.views[-1]
    assert answer.status_text.startswith(STARTER.name)
    assert [part for part in parts if part not in answer.status_text] == []
    can_go_on = status is not MessageStatus.COMPLETE or bool(changes)
    assert answer._continue.isVisible() is can_go_on
    assert answer._remark.isVisible() is (status is MessageStatus.FAILED)


def test_while_it_is_made_the_line_says_what_happens(host, ask, view, settle):
    ask()
    answer = view.views[-1]
    assert answer.status_text == "Waiting for the engine"
    host.set_engine(STARTER.id, EngineState.LOADING, progress=0.43)
    settle()
    assert answer.status_text == "Loading the model: 43 %"
    host.set_engine(STARTER.id, EngineState.READY)
    message = host.streaming()
    move = TurnMoved(chat_id=message.chat_id, message_id=message.id, phase=Phase.PREFILL, done=2, total=9)
    host.say(move)
    settle()
    assert answer.status_text == "Reading the chat: 2 of 9 tokens"
    host.say(msgspec.structs.replace(move, phase=Phase.DECODE))
    host.grow("x")
    settle()
    assert answer.status_text == "Writing"
    assert not answer._copy.isVisible()


def test_thoughts_stand_in_a_fold(host, ask, view, settle):
    ask()
    host.grow("", "Let me think.")
    settle()
    answer = view.views[-1]
    assert answer._fold.title() == "Thinking"
    assert answer.status_text == ""  # one word for it is enough
    assert not answer._fold.is_open
    assert not answer._thought.isVisible()
    answer._fold._button.click()
    assert answer._thought.isVisible()
    host.grow("Hello", " More.")
    settle()
    assert answer.status_text == "Waiting for the engine"  # nothing else was told
    host.end(timings=Timings(reasoning_ms=6200, reasoning_n=184))
    settle()
    assert answer._fold.title() == "Thought for 6.2 s · 184 tokens"
    assert answer._fold.is_open
    assert answer._thought.text() == "Let me think. More."


def test_the_buttons_under_an_answer(qapp, host, ask, view, settle):
    ask()
    host.grow("Hello")
    answer = host.end(MessageStatus.STOPPED)
    settle()
    shown = view.views[-1]
    shown._copy.click()
    assert qapp.clipboard().text() == "Hello"
    shown._continue.click()
    assert host.asked(ContinueAnswer)[0].answer_id == answer.id
    settle()
    host.end()
    settle()
    shown._again.click()
    assert host.asked(Regenerate)[0].message_id == answer.parent_id


def test_another_answer_replaces_the_shown_one(host, ask, workspace, view, settle):
    ask()
    host.grow("Hello")
    answer = host.end()
    settle()
    workspace.regenerate(answer.id)
    settle()
    host.grow("Good day")
    settle()
    assert [shown.pane.text() for shown in view.views] == ["Hi", "Good day"]


def test_a_long_paste_is_shown_shortened_until_it_is_wanted(open_chat, view, settle):
    text = "word " * SHORTENED_CHARACTERS
    open_chat(text, "Hello")
    person = view.views[0]
    assert len(person.pane.text()) == SHORTENED_CHARACTERS + 1
    person._more.click()
    settle()
    assert person.pane.text() == text
    assert not person._more.isVisible()


def test_a_bubble_is_as_wide_as_its_text(open_chat, view):
    open_chat("Hi", "Hello", "word " * 100, "Well")
    short, long = view.views[0], view.views[2]
    assert short._bubble.width() < 80
    assert 0.7 * view._column.width() < long._bubble.width() < 0.9 * view._column.width()
    assert short._bubble.geometry().right() == long._bubble.geometry().right()


def test_lines_are_short_enough_to_read(open_chat, view, window, settle):
    window.resize(2400, 900)
    open_chat("Hi", "n" * 2000)
    line = view.views[1].pane.panes()[0].document().firstBlock().layout().lineAt(0)
    assert 60 <= line.textLength() <= 84
    view.set_zoom(2.0)
    settle()
    line = view.views[1].pane.panes()[0].document().firstBlock().layout().lineAt(0)
    assert 60 <= line.textLength() <= 84


def test_nothing_anyone_says_is_html(open_chat, view):
    open_chat("<b>Hi</b> **bold**", "<img src='x'> <script>1</script> **bold**")
    assert view.views[0].pane.text() == "<b>Hi</b> **bold**"
    assert view.views[1].pane.to_plain() == "<img src='x'> <script>1</script> bold"


def test_the_arrow_keys_bring_the_caret_into_view(qapp, host, open_chat, view, settle):
    open_chat("Hi", PARAGRAPH * 30)
    view.activateWindow()
    pane = view.views[1].pane.panes()[0]
    pane.setFocus()
    settle()
    view.verticalScrollBar().setValue(0)
    cursor = pane.textCursor()
    cursor.movePosition(QTextCursor.MoveOperation.End)
    pane.setTextCursor(cursor)
    settle()
    assert view.verticalScrollBar().value() > view.verticalScrollBar().maximum() // 2


def test_a_model_that_is_gone_is_still_named(host, workspace, open_chat, view, settle):
    host.say(ModelAdded(model=LARGER))
    host.add_chat("d", "Hi", "Hello")
    host.messages["d-1"] = msgspec.structs.replace(host.messages["d-1"], model_id="gone:q4")
    workspace.open_chat("d")
    settle()
    assert view.views[1].status_text == "gone:q4"
