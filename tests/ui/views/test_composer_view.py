"""The box: what its keys do, how it grows, and what its button says."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from app.client.protocol import Send, StopTurn
from app.domain.chat import MAX_MESSAGE_BYTES
from ui.views.composer_view import MOST_LINES


@pytest.fixture
def view(window, qtbot, deliver):
    deliver()
    window.activateWindow()
    window.composer.write()
    qtbot.waitUntil(window.composer.edit.hasFocus)
    return window.composer


def test_enter_sends_and_shift_enter_breaks_the_line(qtbot, host, deliver, view):
    qtbot.keyClicks(view.edit, "one")
    qtbot.keyClick(view.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(view.edit, "two")
    qtbot.keyClick(view.edit, Qt.Key.Key_Return)
    deliver()
    assert [command.text for command in host.asked(Send)] == ["one\ntwo"]
    assert view.edit.toPlainText() == ""


@pytest.mark.parametrize("key", [Qt.Key.Key_Enter, Qt.Key.Key_Return])
def test_enter_on_nothing_sends_nothing(qtbot, host, view, key):
    qtbot.keyClick(view.edit, key)
    assert host.commands == []
    assert view.edit.toPlainText() == ""


def test_while_an_answer_comes_the_button_stops_it_and_enter_waits(qtbot, host, deliver, view):
    assert (view.button.text(), view.button.isEnabled()) == ("Send", False)
    qtbot.keyClicks(view.edit, "Hi")
    assert view.button.isEnabled()
    view.button.click()
    deliver()
    assert (view.button.text(), view.button.isEnabled()) == ("Stop", True)
    qtbot.keyClicks(view.edit, "Next")
    qtbot.keyClick(view.edit, Qt.Key.Key_Return)
    assert view.edit.toPlainText() == "Next"
    view.button.click()
    deliver()
    assert len(host.asked(StopTurn)) == 1
    assert (view.button.text(), view.button.isEnabled()) == ("Send", True)


def test_escape_stops(qtbot, host, deliver, view):
    qtbot.keyClicks(view.edit, "Hi")
    qtbot.keyClick(view.edit, Qt.Key.Key_Return)
    deliver()
    qtbot.keyClick(view.edit, Qt.Key.Key_Escape)
    assert len(host.asked(StopTurn)) == 1


def test_it_grows_with_its_text_and_then_scrolls(qapp, view):
    heights = []
    for lines in (1, 2, MOST_LINES, MOST_LINES + 20):
        view.edit.setPlainText("\n".join("x" * lines))
        qapp.processEvents()
        heights.append(view.edit.height())
    one, two, most, more = heights
    assert one < two < most == more
    view.edit.setPlainText("word " * 60)  # wrapped, not broken
    qapp.processEvents()
    assert view.edit.height() > two


def test_the_text_is_held_while_it_is_on_its_way(qtbot, host, deliver, view):
    host.is_holding = True
    qtbot.keyClicks(view.edit, "Hi")
    qtbot.keyClick(view.edit, Qt.Key.Key_Return)
    assert view.edit.isReadOnly()
    assert not view.button.isEnabled()
    host.let_go()
    deliver()
    assert not view.edit.isReadOnly()
    assert view.edit.toPlainText() == ""


def test_a_text_that_is_too_long_says_how_long_it_is_and_stays(qtbot, host, deliver, window, view):
    text = "x" * (MAX_MESSAGE_BYTES + 10)
    view.edit.set_text(text)
    assert view._length.text() == "700 kB · 700 kB"
    qtbot.keyClick(view.edit, Qt.Key.Key_Return)
    deliver()
    assert view.edit.toPlainText() == text
    assert "the limit is" in window.banner.text
    view.edit.setPlainText("short")
    assert not view._length.isVisible()


def test_a_suggestion_fills_the_box_and_waits_for_enter(host, window, view):
    window.empty.suggestions[0].click()
    assert view.edit.toPlainText() == window.empty.suggestions[0].text()
    assert host.asked(Send) == []
    assert view.edit.textCursor().atEnd()
