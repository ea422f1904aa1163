"""From the first start to an answered question, and around the window, by keys alone: nothing is clicked or
given the focus. A spawned host answers."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.paths import resolve
from tests.fakes.hosts import SocketHost
from ui.application import Application

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)")


@pytest.fixture
def application(qapp, home, theme):
    host = SocketHost(home)
    application = Application(qapp, resolve(home), host.client)
    application.window.show()
    yield application
    application.close()
    for timer in application.findChildren(QTimer):
        timer.stop()
    host.close()
    theme._name = ""
    theme._refresh()


@pytest.fixture
def window(application):
    return application.window


class Keys:
    """Types as Qt hears it from the system, so that shortcuts and pop-ups count."""

    def __init__(self, qtbot):
        self._qtbot = qtbot

    def type(self, text):
        self._qtbot.keyClicks(QApplication.focusWidget(), text)

    def press(self, *combinations):
        for combination in combinations:
            (key,) = QKeySequence(combination)
            QTest.keyClick(QGuiApplication.focusWindow(), key.key(), key.keyboardModifiers())


@pytest.fixture
def keys(qtbot, window):
    qtbot.waitUntil(lambda: QGuiApplication.focusWindow() is not None, timeout=20_000)
    return Keys(qtbot)


@pytest.fixture
def until(qtbot):
    return lambda holds: qtbot.waitUntil(holds, timeout=20_000)


def shown(window):
    return [view.pane.text() for view in window.transcript.views]


def titles(window):
    chats = window.sidebar.list.model()
    return [chats.index(row, 0).data(Qt.ItemDataRole.DisplayRole) for row in range(chats.rowCount())]


def ask(window, keys, until, text):
    """Writes what has the focus is for, and waits for the echo."""
    before = len(shown(window))
    keys.type(text)
    until(lambda: window.composer.button.isEnabled())
    keys.press("Return")
    until(lambda: shown(window)[before:] == [text, text] and window.composer.button.text() == "Send")


def test_from_the_first_start_to_answers_and_around(window, keys, until):
    ask(window, keys, until, "the first question")
    ask(window, keys, until, "and the next")
    keys.press("Ctrl+N")
    until(lambda: shown(window) == [])
    ask(window, keys, until, "another chat")
    assert titles(window) == ["another chat", "the first question"]
    # To the older chat by searching, and on writing there.
    keys.press("Ctrl+K")
    keys.type("first")
    until(lambda: titles(window) == ["the first question"])
    keys.press("Down")
    until(lambda: len(shown(window)) == 4)
    keys.press("Return")
    ask(window, keys, until, "one more")
    # A new name, and away with it, and back.
    keys.press("F2")
    keys.press("Ctrl+A")
    keys.type("Sky")
    keys.press("Return")
    until(lambda: "Sky" in window.windowTitle())
    keys.press("Ctrl+Shift+Backspace")
    until(lambda: window.banner.isVisible())
    keys.press("Ctrl+Shift+T")
    until(lambda: not window.banner.isVisible() and titles(window) == ["Sky"])  # as searched for
    keys.press("Ctrl+L")
    assert window.composer.edit.hasFocus()


def test_an_answer_is_stopped_gone_on_with_made_anew_and_asked_for_otherwise(window, keys, until):
    keys.type("/hold word by word")
    until(lambda: window.composer.button.isEnabled())
    keys.press("Return")
    until(lambda: shown(window)[1:] == ["word by word"])
    keys.press("Esc")
    until(lambda: window.composer.button.text() == "Send")
    assert "stopped by you" in window.transcript.views[1].status_text
    keys.press("Ctrl+R")
    until(lambda: window.composer.button.text() == "Stop" and shown(window)[1:] == ["word by word"])
    keys.press("Esc")
    until(lambda: window.composer.button.text() == "Send")
    keys.press("Ctrl+E", "Ctrl+A")
    keys.type("said better")
    until(lambda: window.composer.button.isEnabled())
    keys.press("Return")
    until(lambda: shown(window) == ["said better", "said better"])
    # The model is chosen by keys too.
    keys.press("Ctrl+M")
    until(lambda: window.picker.popup.isVisible())
    keys.press("Return")
    until(lambda: not window.picker.popup.isVisible())
    assert window.composer.edit.hasFocus()
