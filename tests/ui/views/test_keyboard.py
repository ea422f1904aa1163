"""The whole window without a mouse: where Tab, F6 and the arrows lead, and that one sees where one is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QToolButton

from app.client.protocol import (
    CancelTransfer,
    DeleteChat,
    LoadModel,
    PauseTransfer,
    RestoreChat,
    ResumeTransfer,
    StopTurn,
    UnloadModel,
)
from app.domain.chat import MessageStatus
from app.domain.engine import EngineState
from app.domain.transfer import Transfer, TransferFile, TransferState
from tests.ui.fake_client import LARGER, STARTER
from ui.widgets.tabbing import tab_stops
from ui.widgets.text_pane import TextPane

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)")


@pytest.fixture
def ready(window, qtbot, deliver, host, workspace):
    """The window over a chat of two turns, with a download on its way and an answer that was interrupted."""
    host.models = [STARTER, LARGER]
    host.transfers = [
        Transfer(
            id="t",
            repo="owner/repo",
            quant="Q4_K_M",
            files=(TransferFile(filename="a", size_bytes=100, done_bytes=40),),
            state=TransferState.RUNNING,
        )
    ]
    host.add_chat("c", "Hi", "Hello", "And?", "So")
    host.add_chat("d", "Ho", "Hey")
    deliver()
    workspace.open_chat("c")
    deliver()
    window.activateWindow()
    qtbot.waitUntil(window.composer.edit.hasFocus)
    return window


@pytest.fixture
def press(qtbot, qapp, deliver, ready):
    def press(*combinations):
        for combination in combinations:
            deliver()
            qtbot.keySequence(QApplication.focusWidget(), QKeySequence(combination))
            deliver()
            qapp.processEvents()

    return press


def name(widget):
    return widget.accessibleName() or getattr(widget, "text", lambda: "")()


def test_tab_goes_through_the_window_as_it_is_read(ready, press):
    press("Ctrl+I", "Ctrl+L")
    passed = [name(ready.focusWidget())]
    for _ in range(50):
        press("Tab")
        if ready.composer.edit.hasFocus():
            break
        passed.append(name(ready.focusWidget()))
    middle = passed.index("Model: DeepSeek-R1-Distill-Qwen-7B · Q4_K_M")
    assert passed[0] == "Your message"
    assert passed[1:middle][:5] == ["Hide chat settings", "System prompt", "Temperature", "Top-k", "Top-p"]
    assert passed[middle - 7 : middle] == [
        *("New chat", "Hide chats", "Search chats", "Chats"),
        *("Pause", "Cancel download", "Menu"),
    ]
    assert passed[middle + 1 :] == [
        *("Edit and send again", "You said"),
        *("Answer by SmolLM2-135M-Instruct", "Copy answer", "Answer again"),
        *("Edit and send again", "You said"),
        *("Answer by SmolLM2-135M-Instruct", "Copy answer", "Answer again"),
    ]
    assert ready.composer.edit.hasFocus()


def test_everything_with_the_focus_can_be_seen_and_looks_so(qapp, ready, press):
    """Also what was scrolled out of sight, and what is only seen with the focus."""
    for _ in range(len(tab_stops(ready.frame))):
        press("Tab")
        focused = ready.focusWidget()
        with_focus = focused.grab().toImage()
        place = focused.mapTo(ready, QPoint(0, 0))
        assert ready.rect().contains(place), name(focused)
        if focused is ready.sidebar.list or focused is ready.composer.edit:
            continue  # the chosen row, the frame around the box
        focused.clearFocus()
        qapp.processEvents()
        assert focused.grab().toImage() != with_focus, name(focused)
        focused.setFocus(Qt.FocusReason.TabFocusReason)


def test_a_part_at_a_time(ready, press):
    def part():
        parts = ("sidebar", "head", "transcript", "composer", "inspector")
        of = {**{each: getattr(ready, each, None) for each in parts}, "head": ready.frame.head}
        return next(each for each in parts if of[each].isAncestorOf(ready.focusWidget()))

    press("Ctrl+I", "Ctrl+L")
    there = []
    for _ in range(5):
        press("F6")
        there.append(part())
    assert there == ["inspector", "sidebar", "head", "transcript", "composer"]
    press("Shift+F6")
    assert part() == "transcript"
    assert ready.focusWidget() is ready.transcript.views[-1].pane.panes()[0]
    press("Ctrl+B", "Shift+F6", "Shift+F6")
    assert part() == "inspector"  # past the chats, which are put away


def test_a_banner_s_buttons(host, ready, press, deliver, workspace):
    press("Ctrl+Shift+Backspace")
    assert ready.banner.isVisible()
    press("Ctrl+L", "Shift+F6")
    assert ready.focusWidget() is ready.banner.buttons[0]
    press("Space")
    assert len(host.asked(RestoreChat)) == 1


def test_messages_and_their_actions(qapp, host, ready, press):
    views = ready.transcript.views
    press("Alt+Up")
    assert views[3].isAncestorOf(ready.focusWidget())
    assert isinstance(ready.focusWidget(), TextPane)
    press("Tab", "Space")
    assert qapp.clipboard().text() == "So"
    press("Alt+Up", "Alt+Up")
    assert views[1].isAncestorOf(ready.focusWidget())
    press("Alt+Up", "Alt+Up", "Shift+Tab", "Space")
    assert ready.composer.edit.toPlainText() == "Hi"
    assert ready.composer.edit.hasFocus()
    press("Esc", "Alt+Up", "Alt+Down")
    assert ready.composer.edit.hasFocus()


def test_earlier_messages_are_built_on_the_way_up(host, ready, press, deliver, workspace):
    host.add_chat("long", *(f"{number}" for number in range(40)))
    workspace.open_chat("long")
    deliver()
    built = len(ready.transcript.views)
    press("Ctrl+L")
    for _ in range(built + 1):
        press("Alt+Up")
    assert len(ready.transcript.views) > built
    assert ready.transcript.views[40 - built - 1].isAncestorOf(ready.focusWidget())


def test_an_answer_without_text_is_reached_by_its_button(host, ready, press, deliver):
    ready.composer.edit.set_text("More?")
    press("Return")
    host.end(MessageStatus.FAILED)
    deliver()
    press("Alt+Up")
    assert name(ready.focusWidget()) == "Answer again"
    assert "Continue answer" not in [name(stop) for stop in tab_stops(ready.transcript.views[-1])]


def test_the_conversation_is_scrolled_from_the_box(host, ready, press, deliver, workspace, qapp):
    host.add_chat("tall", "Hi", "word " * 6000)
    workspace.open_chat("tall")
    deliver()
    press("Ctrl+L")
    bar = ready.transcript.verticalScrollBar()
    assert bar.value() == bar.maximum()
    press("PgUp", "PgUp")
    place = bar.value()
    assert place < bar.maximum() - bar.pageStep()
    press("PgDown")
    assert bar.value() > place
    press("Ctrl+End")
    assert bar.value() == bar.maximum()
    ready.composer.edit.set_text("\n".join("abcdefghijklmnopq"))
    press("PgUp")  # has lines of its own to go through
    assert bar.value() == bar.maximum()


def test_a_chat_is_found_renamed_deleted_and_brought_back(qtbot, host, ready, press, workspace, deliver):
    press("Ctrl+L", "Tab", "Shift+Tab", "F6")
    assert ready.sidebar.list.hasFocus()
    press("Home")
    assert workspace.transcript.chat_id == "d"
    press("Return")
    assert ready.composer.edit.hasFocus()
    press("F2")
    (editor,) = ready.sidebar.list.findChildren(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "New name")
    press("Return")
    qtbot.waitUntil(lambda: (deliver(), host.chats["d"].title == "New name")[1])
    ready.sidebar.list.setFocus()
    press("Del")
    assert [command.chat_id for command in host.asked(DeleteChat)] == ["d"]
    press("Ctrl+Shift+T")
    assert [command.chat_id for command in host.asked(RestoreChat)] == ["d"]
    assert not ready.actions_by_name["restore_chat"].isEnabled()


def test_passing_the_list_opens_nothing(ready, press, workspace, host):
    press("Ctrl+N", "F6")
    assert ready.sidebar.list.hasFocus()
    assert workspace.transcript.chat_id is None
    assert ready.sidebar.list.currentIndex().isValid()  # one sees where one is
    assert ready.sidebar.list.selectedIndexes() == []
    press("Return")
    assert workspace.transcript.chat_id == "d"
    assert ready.composer.edit.hasFocus()
    assert [index.row() for index in ready.sidebar.list.selectedIndexes()] == [0]


def test_the_row_with_the_focus_is_opened_by_a_click_and_by_stepping_too(qtbot, ready, press, workspace):
    view = ready.sidebar.list
    for deed in ("click", "Ctrl+PgDown"):
        press("Ctrl+N", "F6")
        assert (workspace.transcript.chat_id, view.currentIndex().row()) == (None, 0)
        if deed == "click":
            place = view.visualRect(view.currentIndex()).center() + QPoint(0, 10)
            qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        else:
            press(deed)
        assert workspace.transcript.chat_id == "d"


def test_after_a_chat_is_deleted_one_sees_where_one_is(ready, press, workspace):
    press("F6", "Home", "Del")
    assert workspace.transcript.chat_id is None
    assert ready.sidebar.list.currentIndex().isValid()
    assert ready.sidebar.list.selectedIndexes() == []


def test_esc_in_the_search_field_is_the_field_s_own(host, ready, press):
    ready.composer.edit.set_text("Hi")
    press("Return", "Ctrl+K", "x", "Esc")
    assert ready.sidebar.search.text() == ""
    assert host.asked(StopTurn) == []
    press("Esc", "Esc")
    assert len(host.asked(StopTurn)) == 1


def test_a_model_is_loaded_unloaded_and_its_loading_given_up(host, ready, press, deliver):
    press("Ctrl+M", "Down", "Return")
    assert host.asked(LoadModel)[-1].model_id == LARGER.id
    host.set_engine(LARGER.id, EngineState.LOADING, progress=0.2)
    deliver()
    press("Ctrl+L", "Shift+F6", "Shift+F6", "Tab")
    assert name(ready.focusWidget()) == "Cancel"
    host.set_engine(LARGER.id, EngineState.READY)
    deliver()
    press("Ctrl+Shift+E")
    assert host.asked(UnloadModel)[-1].model_id == LARGER.id
    host.set_engine(LARGER.id, EngineState.IDLE)
    deliver()
    assert not ready.actions_by_name["eject"].isEnabled()


def test_a_download_is_paused_resumed_and_cancelled(host, ready, press, deliver):
    press("F6", "Tab")
    assert name(ready.focusWidget()) == "Pause"
    press("Space")
    assert len(host.asked(PauseTransfer)) == 1
    rows = ready.sidebar._transfer_rows.rows
    host.transfers[0] = Transfer(**{**_fields(host.transfers[0]), "state": TransferState.PAUSED})
    host.connect()
    deliver()
    assert name(rows[0]._toggle) == "Go on"
    rows[0]._toggle.setFocus()
    press("Space", "Tab", "Space")
    assert len(host.asked(ResumeTransfer)) == 1
    assert len(host.asked(CancelTransfer)) == 1


def _fields(value):
    return {field: getattr(value, field) for field in value.__struct_fields__}


@pytest.fixture
def opened(ready, qapp):
    def opened(deed):
        """Returns the words of the menu that a deed opens, and puts it away."""
        words: list[str] = []

        def look():
            menu = QApplication.activePopupWidget()
            assert isinstance(menu, QMenu)
            words.extend(action.text() for action in menu.actions() if action.text())
            menu.close()

        QTimer.singleShot(0, look)
        deed()
        assert words
        ready.activateWindow()  # as a real screen does by itself
        qapp.processEvents()
        return words

    return opened


def test_the_menus_by_key(ready, press, opened):
    ready.sidebar.list.setFocus()
    assert opened(lambda: press("Shift+F10")) == ["Rename chat", "Delete chat"]
    press("Alt+Up")
    assert opened(lambda: press("Shift+F10")) == ["Copy answer", "Answer again"]
    assert ready.focusWidget().property("ring")  # again
    press("Alt+Up")
    assert opened(lambda: press("Shift+F10")) == ["Copy message", "Edit and send again"]
    assert opened(lambda: press("F10"))[:2] == ["Chats", "Writing"]
    press("Ctrl+B")
    assert opened(lambda: press("F10"))[-1] == "Close window"
    press("Ctrl+M")
    popup = ready.picker.popup
    assert opened(lambda: press("Shift+F10")) == ["Use this model", "Load into memory", "Copy name"]
    popup.close()


def test_the_menu_of_a_message_does_what_it_says(qapp, host, ready, workspace, press):
    view = ready.transcript.views[0]
    copy, edit = view.make_menu(QPoint()).actions()
    copy.trigger()
    assert qapp.clipboard().text() == "Hi"
    edit.trigger()
    assert workspace.composer.editing == "c-0"
    view.pane.selectAll()
    assert view.make_menu(QPoint()).actions()[0].text() == "Copy selection"


def test_the_menu_of_an_answer_knows_what_is_chosen_linked_and_thought(qapp, host, ready, press, deliver):
    ready.composer.edit.set_text("A link?")
    press("Return")
    host.grow("[Here](https://example.org/x) it is.", "Let me think.")
    host.end(MessageStatus.STOPPED)
    deliver()
    qapp.processEvents()
    view = ready.transcript.views[-1]
    pane = view.pane.panes()[0]
    pane.selectAll()
    after_link = pane.cursorRect(pane.document().find("Here")).center()
    place = pane.viewport().mapTo(view, after_link - QPoint(8, 0))
    actions = {action.text(): action for action in view.make_menu(place).actions()}
    assert list(actions) == [
        *("Copy selection", "Copy link", "Copy answer", "Answer again", "Continue answer", "Copy thoughts")
    ]
    for words, copied in (("link", "https://example.org/x"), ("thoughts", "Let me think.")):
        actions[f"Copy {words}"].trigger()
        assert qapp.clipboard().text() == copied
    actions["Copy selection"].trigger()
    assert qapp.clipboard().text() == "Here it is."


def test_the_menu_of_a_model_does_what_it_says(qapp, host, ready, deliver):
    popup = ready.picker.popup
    use, load, copy = [action for action in popup.make_menu(LARGER).actions() if action.text()]
    load.trigger()
    copy.trigger()
    assert host.asked(LoadModel)[-1].model_id == LARGER.id
    assert qapp.clipboard().text() == LARGER.id
    use.trigger()
    deliver()
    assert ready.picker.button.text().startswith(LARGER.name)
    host.set_engine(LARGER.id, EngineState.READY)
    deliver()
    popup.make_menu(LARGER).actions()[1].trigger()
    assert host.asked(UnloadModel)[-1].model_id == LARGER.id


def test_no_button_needs_the_mouse(ready):
    # The signs inside the search field do what Esc does there.
    buttons = [each for each in ready.findChildren(QToolButton) if not isinstance(each.parent(), QLineEdit)]
    assert [name(button) for button in buttons if not button.focusPolicy()] == []
