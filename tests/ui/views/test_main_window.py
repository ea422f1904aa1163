"""The window as a whole, by keyboard and by mouse."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QAccessible, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QLineEdit, QListView, QWidget

from app.client.client import ConnectionState
from app.client.protocol import ChangeChat, ContinueAnswer, LoadModel, OpenChat, Regenerate, Send, UnloadModel
from app.domain.chat import MessageStatus
from app.domain.engine import EngineState, LoadedModel
from app.domain.notice import Action, Notice, NoticeCode
from tests.ui.fake_client import LARGER, STARTER
from ui.actions import ACTIONS, Group
from ui.viewmodels.kept import Kept
from ui.views.main_window import MainWindow


@pytest.fixture
def ready(window, qtbot, deliver):
    """The window, connected and active."""
    deliver()
    window.activateWindow()
    qtbot.waitUntil(window.composer.edit.hasFocus)
    return window


@pytest.fixture
def press(qtbot, qapp, deliver):
    def press(widget, keys):
        deliver()
        qtbot.keySequence(widget, QKeySequence(keys))
        deliver()
        qapp.processEvents()

    return press


def titles(window):
    model = window.sidebar.list.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_it_is_there_before_the_host_has_answered(window):
    assert window.isVisible()
    assert window.empty.isVisible()
    assert window.empty.title_text == "Starting"
    assert not window.picker.button.isVisible()
    assert not window.composer.button.isEnabled()


def test_first_start_to_an_answered_question_by_keyboard_alone(qtbot, host, ready, press, deliver):
    assert ready.empty.title_text == "SmolLM2-135M-Instruct · Q4_1"
    assert "only to try the app" in ready.empty.line_text
    qtbot.keyClicks(ready.composer.edit, "What is the capital of France?")
    press(ready.composer.edit, "Return")
    host.grow("Paris")
    host.end()
    deliver()
    assert not ready.empty.isVisible()
    assert [view.pane.text() for view in ready.transcript.views] == [
        "What is the capital of France?",
        "Paris",
    ]
    assert titles(ready) == ["What is the capital of France?"]
    assert ready.windowTitle() == "What is the capital of France? - Cove"
    assert ready.composer.edit.hasFocus()


def test_chats_are_opened_by_keyboard(host, ready, press, workspace):
    for name in ("first", "second", "third"):
        host.add_chat(name, "Hi", f"I am {name}")
    host.connect()
    press(ready, "Ctrl+PgDown")
    assert workspace.transcript.chat_id == "third"
    press(ready, "Ctrl+PgDown")
    press(ready, "Ctrl+PgDown")
    press(ready, "Ctrl+PgDown")
    assert workspace.transcript.chat_id == "first"
    press(ready, "Ctrl+PgUp")
    assert workspace.transcript.chat_id == "second"
    assert ready.sidebar.list.currentIndex().row() == 1
    press(ready, "Ctrl+N")
    assert workspace.transcript.chat_id is None
    assert not ready.sidebar.list.currentIndex().isValid()
    assert ready.windowTitle() == "Cove"
    assert len(host.asked(OpenChat)) == 4


def test_a_click_on_a_chat_opens_it_and_goes_on_to_the_box(qtbot, host, ready, deliver, workspace):
    host.add_chat("c", "Hi", "Hello")
    host.connect()
    deliver()
    view = ready.sidebar.list
    rect = view.visualRect(view.model().index(0, 0))
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=rect.center() + QPoint(0, 10))
    assert workspace.transcript.chat_id == "c"
    assert ready.composer.edit.hasFocus()


def test_renaming_in_place(qtbot, host, ready, press, workspace, deliver):
    host.add_chat("c", "Hi", "Hello", title="Old name")
    host.connect()
    deliver()
    workspace.open_chat("c")
    deliver()
    press(ready, "F2")
    (editor,) = ready.sidebar.list.findChildren(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "New name")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(host.asked(ChangeChat)))
    deliver()
    assert host.asked(ChangeChat) == [ChangeChat(chat_id="c", title="New name")]
    assert titles(ready) == ["New name"]


def test_deleting_can_be_undone(host, ready, press, workspace, deliver):
    for name in ("first", "second"):
        host.add_chat(name, "Hi", "Hello")
    host.connect()
    deliver()
    workspace.open_chat("first")
    deliver()
    press(ready, "Ctrl+Shift+Backspace")
    assert titles(ready) == ["second"]
    assert workspace.transcript.chat_id is None  # and not the neighbour
    assert ready.banner.isVisible()
    (undo,) = ready.banner.buttons
    undo.click()
    deliver()
    assert titles(ready) == ["second", "first"]
    assert not ready.banner.isVisible()


def test_a_failed_answer_is_a_banner_with_a_way_on(host, ready, press, deliver):
    ready.composer.edit.set_text("Hi")
    press(ready.composer.edit, "Return")
    host.grow("Hel")
    notice = Notice(
        code=NoticeCode.ENGINE_DIED, facts={"reason": "crashed"}, actions=(Action.RETRY, Action.OPEN_LOG)
    )
    host.end(MessageStatus.FAILED, notice=notice)
    deliver()
    assert ready.banner.isVisible()
    assert "it crashed" in ready.banner.text
    assert "are kept" in ready.banner.text
    assert [button.text() for button in ready.banner.buttons] == ["Continue answer", "Open log folder"]
    ready.banner.buttons[0].click()
    deliver()
    assert len(host.asked(ContinueAnswer)) == 1
    assert not ready.banner.isVisible()


def test_the_answer_s_actions_by_keyboard(qapp, host, ready, press, workspace):
    for keys in ("Ctrl+R", "Ctrl+G", "Ctrl+Shift+C", "Escape"):
        press(ready, keys)  # nothing to do yet
    assert host.commands == []
    ready.composer.edit.set_text("Hi")
    press(ready.composer.edit, "Return")
    host.grow("Hello")
    press(ready, "Escape")
    assert workspace.transcript.last.status is MessageStatus.STOPPED
    press(ready, "Ctrl+Shift+C")
    assert qapp.clipboard().text() == "Hello"
    press(ready, "Ctrl+G")
    assert len(host.asked(ContinueAnswer)) == 1
    host.end()
    press(ready, "Ctrl+R")
    assert len(host.asked(Regenerate)) == 1


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)")
def test_choosing_a_model_by_keyboard(qtbot, host, ready, press, deliver, workspace):
    host.models = [STARTER, LARGER]
    host.settings["models.default"] = STARTER.id
    host.connect()
    press(ready, "Ctrl+M")
    popup = ready.picker.popup
    assert popup.isVisible()
    assert popup.list.currentIndex().row() == 0
    qtbot.keyClick(popup.list, Qt.Key.Key_Down)
    qtbot.keyClick(popup.list, Qt.Key.Key_Return)
    deliver()
    assert not popup.isVisible()
    assert workspace.models.selected == LARGER
    assert ready.picker.button.text() == "DeepSeek-R1-Distill-Qwen-7B · Q4_K_M"
    assert host.asked(LoadModel) == [LoadModel(model_id=LARGER.id)]
    press(ready, "Ctrl+M")
    qtbot.keyClick(popup.list, Qt.Key.Key_Escape)
    assert not popup.isVisible()
    assert len(host.asked(LoadModel)) == 1


def test_the_head_says_what_the_engine_does(host, ready, deliver):
    picker = ready.picker
    assert not picker.bar.isVisible()
    host.set_engine(STARTER.id, EngineState.LOADING, progress=0.5)
    deliver()
    assert picker.bar.isVisible()
    assert picker.state.whole_text() == "Loading 50 %"
    assert picker.cancel.isVisible()
    loaded = LoadedModel(context_tokens=8192, layers=30, gpu_layers=12)
    host.set_engine(STARTER.id, EngineState.READY, loaded=loaded)
    deliver()
    assert not picker.bar.isVisible()
    assert "12 of 30 layers on the graphics card" in picker.state.whole_text()
    picker.eject.click()
    assert host.asked(UnloadModel) == [UnloadModel(model_id=STARTER.id)]
    host.set_engine(STARTER.id, EngineState.FAILED)
    deliver()
    assert picker.state.whole_text() == "Could not be loaded"
    assert not picker.eject.isVisible()


def test_a_newer_host_s_banner_closes_the_window(host, ready, deliver, workspace):
    notice = Notice(code=NoticeCode.HOST_NEWER, facts={}, actions=(Action.UPDATE,))
    host.change_connection(ConnectionState.REFUSED, notice)
    deliver()
    workspace.notices._on_patience_ended()
    (close,) = ready.banner.buttons
    close.click()
    assert not ready.isVisible()


def test_the_list_of_chats_can_be_put_away(ready, press):
    press(ready, "Ctrl+B")
    assert not ready.sidebar.isVisible()
    assert ready.frame.new_chat.isVisible()
    press(ready, "Ctrl+B")
    assert ready.sidebar.isVisible()
    assert not ready.frame.new_chat.isVisible()


def test_text_can_be_larger_and_smaller(host, ready, press, workspace, deliver):
    host.add_chat("c", "Hi", "Hello")
    workspace.open_chat("c")
    deliver()
    usual = ready.transcript.views[0].pane.font().pointSizeF()
    press(ready, "Ctrl++")
    assert ready.transcript.views[0].pane.font().pointSizeF() == pytest.approx(usual * 1.1)
    for _ in range(20):
        press(ready, "Ctrl+-")
    assert ready.transcript.views[0].pane.font().pointSizeF() == pytest.approx(usual * 0.5)
    press(ready, "Ctrl+0")
    assert ready.transcript.views[0].pane.font().pointSizeF() == usual


def test_its_shape_comes_back(home, bridge, ready, press, theme, show, workspace):
    ready.resize(700, 600)
    press(ready, "Ctrl++")
    press(ready, "Ctrl+B")
    ready.close()
    kept = Kept(home / "window.ini")
    assert kept.text("zoom") == "1.1"
    workspace.kept = kept
    again = show(MainWindow(workspace, theme))
    assert again.size() == QSize(700, 600)
    assert again.sidebar.isHidden()
    assert again._zoom == 1.1


def test_nonsense_kept_is_no_reason_not_to_open(workspace, theme, show, kept):
    kept.set_text("zoom", "large")
    assert show(MainWindow(workspace, theme))._zoom == 1.0


def test_the_menu_has_everything_that_can_be_done(ready, theme, workspace, host):
    menu = ready._make_menu()
    groups = [action.menu() for action in menu.actions() if action.menu() is not None]
    assert [group.title() for group in groups] == [group.title for group in Group]
    inside = [action.text() for group in groups for action in group.actions() if action.text()]
    words = [*inside, *(action.text() for action in menu.actions())]
    assert [spec.title for spec in ACTIONS if spec.title not in words] == ["Open the menu"]
    looks, languages = [
        action.menu() for group in groups for action in group.actions() if action.menu() is not None
    ]
    looks.actions()[2].trigger()
    assert host.settings["appearance.theme"] == "dark"
    assert [action.text() for action in languages.actions()] == ["As the system", "English", "Tiếng Việt"]
    assert [action.isChecked() for action in languages.actions()] == [True, False, False]
    languages.actions()[2].trigger()
    assert host.settings["appearance.language"] == "vi"
    menu.deleteLater()


def test_no_two_actions_share_a_shortcut():
    shortcuts = [shortcut for spec in ACTIONS for shortcut in spec.shortcuts]
    assert len(shortcuts) == len(set(shortcuts))


def test_everything_that_can_be_reached_has_a_name(host, ready, press, workspace, deliver):
    """A walk as a screen reader would do it."""
    host.models = [STARTER, LARGER]
    host.connect()
    ready.composer.edit.set_text("Hi")
    press(ready.composer.edit, "Return")
    host.grow("Hello", "Hm")
    host.end(MessageStatus.INTERRUPTED)
    deliver()
    nameless = []
    for widget in ready.findChildren(QWidget):
        can_focus = widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        if can_focus and isinstance(widget, QAbstractButton | QAbstractScrollArea | QListView):
            interface = QAccessible.queryAccessibleInterface(widget)
            if not interface.text(QAccessible.Text.Name) or interface.role() == QAccessible.Role.NoRole:
                nameless.append(f"{type(widget).__name__} {widget.objectName()}")
    assert nameless == []


def test_a_question_sent_from_one_window_shows_in_the_other(qapp, host, ready, deliver, workspace):
    host.add_chat("c", "Hi", "Hello")
    host.connect()
    deliver()
    workspace.open_chat("c")
    deliver()
    host._send(Send(chat_id="c", message_id="m", answer_id="a", text="From elsewhere", parent_id="c-1"))
    host.grow("Seen")
    deliver()
    assert [view.pane.text() for view in ready.transcript.views] == ["Hi", "Hello", "From elsewhere", "Seen"]


def test_a_chat_without_a_title_has_a_name_in_the_list(host, ready, deliver):
    chat = host.add_chat("c")
    host.chats["c"] = msgspec.structs.replace(chat, title="")
    host.connect()
    deliver()
    assert titles(ready) == [""]
    ready.grab()  # drawn as “New chat”


def test_a_message_is_edited_by_keyboard_and_by_mouse(qtbot, host, ready, press, workspace, deliver):
    host.add_chat("c", "Hi", "Hello")
    workspace.open_chat("c")
    deliver()
    edit = ready.composer.edit
    assert not ready.composer.editing.isVisible()
    press(edit, "Up")
    assert (edit.toPlainText(), ready.composer.editing.isVisible()) == ("Hi", True)
    press(edit, "Esc")
    assert (edit.toPlainText(), ready.composer.editing.isVisible()) == ("", False)
    press(ready, "Ctrl+E")
    ready.composer.cancel.click()
    assert edit.hasFocus()
    qtbot.mouseClick(ready.transcript.views[0].edit_button, Qt.MouseButton.LeftButton)
    assert edit.hasFocus()
    qtbot.keyClicks(edit, " there")
    press(edit, "Return")
    (send,) = host.asked(Send)
    assert (send.text, send.parent_id) == ("Hi there", None)
    assert not ready.composer.editing.isVisible()


def test_the_edit_button_is_seen_on_hover_and_focus(qapp, host, ready, workspace, deliver):
    host.add_chat("c", "Hi", "Hello")
    workspace.open_chat("c")
    deliver()
    qapp.processEvents()
    button = ready.transcript.views[0].edit_button
    hidden = button.grab().toImage()
    button.set_awake(is_awake=True)
    assert button.grab().toImage() != hidden
    button.set_awake(is_awake=False)
    button.setFocus()
    assert button.grab().toImage() != hidden
