"""The window over a real core: the scripted engine, a real store, the real protocol."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from app.domain.chat import MessageStatus
from tests.fakes.hosts import SocketHost, TwinHost
from ui.bridge import Bridge
from ui.viewmodels.kept import Kept
from ui.viewmodels.notices import Kind
from ui.viewmodels.workspace import Workspace
from ui.views.main_window import MainWindow

both = pytest.mark.parametrize("served", ["twin", "socket"], indirect=True)


@pytest.fixture
def served(request, home):
    """A host with the scripted engine, in this process or (for `both`) also behind its socket."""
    host = SocketHost(home) if getattr(request, "param", "twin") == "socket" else TwinHost(home)
    yield host
    host.close()


@pytest.fixture
def open_window(qtbot, served, home, theme, show):
    """Opens windows on the same home."""
    opened: list[tuple[Bridge, Workspace]] = []

    def open_window(name="window"):
        bridge = Bridge(served.client)
        workspace = Workspace(bridge, Kept(home / f"{name}.ini"))
        opened.append((bridge, workspace))
        bridge.start()
        window = MainWindow(workspace, theme)
        show(window)
        qtbot.waitUntil(lambda: workspace.models.selected is not None, timeout=20_000)
        return window, workspace

    yield open_window
    for bridge, workspace in opened:
        bridge.close()
        workspace.notices._patience.stop()
        workspace.transcript._settle.stop()
        workspace.kept.save()


def ask(qtbot, window, text):
    window.composer.edit.setFocus()
    qtbot.keyClicks(window.composer.edit, text)
    qtbot.keyClick(window.composer.edit, Qt.Key.Key_Return)


def wait_for_end(qtbot, workspace, count):
    transcript = workspace.transcript
    qtbot.waitUntil(
        lambda: len(transcript.messages) == count and transcript.streaming is None, timeout=20_000
    )


def shown(window):
    return [view.pane.text() for view in window.transcript.views]


@both
def test_from_first_start_to_two_answers(qtbot, open_window):
    window, workspace = open_window()
    ask(qtbot, window, "one two three")
    wait_for_end(qtbot, workspace, 2)
    ask(qtbot, window, "/think four five")
    wait_for_end(qtbot, workspace, 4)
    assert shown(window) == ["one two three", "one two three", "/think four five", "four five"]
    assert window.transcript.views[3]._thought.text() == "Let me think about: four five"
    assert "tokens" in window.transcript.views[3].status_text
    assert window.composer.edit.toPlainText() == ""


def test_stop_keeps_what_there_is(qtbot, open_window):
    window, workspace = open_window()
    ask(qtbot, window, "/hold some words")
    qtbot.waitUntil(lambda: shown(window)[1:] == ["some words"], timeout=20_000)
    assert window.composer.button.text() == "Stop"
    window.composer.button.click()
    wait_for_end(qtbot, workspace, 2)
    assert workspace.transcript.last.status is MessageStatus.STOPPED
    assert shown(window)[1] == "some words"


def test_an_engine_that_dies_is_a_banner_and_the_next_question_is_answered(qtbot, open_window):
    window, workspace = open_window()
    ask(qtbot, window, "/crash some words")
    wait_for_end(qtbot, workspace, 2)
    assert workspace.transcript.last.status is MessageStatus.FAILED
    assert shown(window)[1] == "some words"
    assert window.banner.isVisible()
    ask(qtbot, window, "again")
    wait_for_end(qtbot, workspace, 4)
    assert shown(window)[3] == "again"


@both
def test_a_host_that_is_killed_in_mid_answer_comes_back_with_what_was_written(qtbot, served, open_window):
    window, workspace = open_window()
    ask(qtbot, window, "/hold some words that stay")
    qtbot.waitUntil(lambda: shown(window)[1:] == ["some words that stay"], timeout=20_000)
    window.composer.edit.set_text("and what I was typing")
    workspace.transcript.open(workspace.transcript.chat_id)  # what a host reads to a client it has saved
    qtbot.waitUntil(lambda: shown(window)[1:] == ["some words that stay"], timeout=20_000)
    served.restart()
    qtbot.waitUntil(lambda: workspace.transcript.last.status is MessageStatus.INTERRUPTED, timeout=20_000)
    assert shown(window) == ["/hold some words that stay", "some words that stay"]
    assert workspace.notices.banner.kind is Kind.INTERRUPTED
    assert window.composer.edit.toPlainText() == "and what I was typing"


def test_two_windows_on_one_home_stay_in_step(qtbot, open_window):
    first, one = open_window("one")
    second, two = open_window("two")
    ask(qtbot, first, "one two")
    wait_for_end(qtbot, one, 2)
    qtbot.waitUntil(lambda: two.chats.rowCount() == 1)
    two.open_chat(one.transcript.chat_id)
    wait_for_end(qtbot, two, 2)
    ask(qtbot, second, "/hold three")
    qtbot.waitUntil(lambda: shown(first) == shown(second) == ["one two", "one two", "/hold three", "three"])
    first.composer.button.click()  # Stop, from the other one
    wait_for_end(qtbot, two, 4)
    assert two.transcript.last.status is MessageStatus.STOPPED


def test_what_one_window_does_to_a_chat_the_other_shows(qtbot, open_window):
    first, one = open_window("one")
    second, two = open_window("two")
    ask(qtbot, first, "one two")
    wait_for_end(qtbot, one, 2)
    chat_id = one.transcript.chat_id
    qtbot.waitUntil(lambda: two.chats.rowCount() == 1)
    two.open_chat(chat_id)
    wait_for_end(qtbot, two, 2)
    one.chats.rename(chat_id, "Renamed")
    qtbot.waitUntil(lambda: "Renamed" in second.windowTitle() and "Renamed" in first.windowTitle())
    assert two.chats.data(two.chats.index(0)) == "Renamed"
    second.composer.edit.set_text("half a thought")
    one.delete_chat(chat_id)
    qtbot.waitUntil(lambda: two.transcript.chat_id is None and two.chats.rowCount() == 0)
    assert second.composer.edit.toPlainText() == "half a thought"
    assert "What you typed is kept" in second.banner.text
    one.restore_chat(chat_id)
    qtbot.waitUntil(lambda: two.chats.rowCount() == 1)
    two.open_chat(chat_id)
    qtbot.waitUntil(lambda: shown(second) == ["one two", "one two"])


def test_a_window_opened_in_mid_answer_follows_it_at_once(qtbot, open_window):
    first, one = open_window("one")
    ask(qtbot, first, "/slow 10 " + "word " * 150)
    qtbot.waitUntil(lambda: len(shown(first)) == 2 and "word" in shown(first)[1], timeout=20_000)
    second, two = open_window("two")
    openings: list[object] = []
    ask_host = two.transcript._bridge.ask
    two.transcript._bridge.ask = lambda *facts: (openings.append(facts[0]), ask_host(*facts))
    two.open_chat(one.transcript.chat_id)
    wait_for_end(qtbot, two, 2)
    assert shown(second)[1].split() == ["word"] * 150
    assert len(openings) == 1


@both
def test_the_answer_goes_on_without_the_window(qtbot, served, open_window, home):
    window, workspace = open_window("one")
    ask(qtbot, window, "/slow 20 " + "word " * 40)
    qtbot.waitUntil(lambda: len(shown(window)) == 2 and "word" in shown(window)[1], timeout=20_000)
    chat_id = workspace.transcript.chat_id
    window.close()
    again, after = open_window("two")
    after.open_chat(chat_id)
    wait_for_end(qtbot, after, 2)
    assert shown(again)[1].split() == ["word"] * 40
