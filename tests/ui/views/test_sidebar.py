"""The list of chats as it is drawn and used."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLineEdit

from app.domain.ids import now_ms
from app.domain.transfer import Transfer, TransferFile, TransferState
from ui.views.sidebar import _HEADING_PX, _ROW_PX

DAY_MS = 86_400_000
RUNNING = Transfer(
    id="t",
    repo="owner/Model-GGUF",
    quant="Q4_K_M",
    files=(TransferFile(filename="a.gguf", size_bytes=5_000_000_000, done_bytes=1_900_000_000),),
    state=TransferState.RUNNING,
    bytes_per_second=11_400_000.0,
    seconds_left=272.0,
)


@pytest.fixture
def sidebar(window):
    return window.sidebar


def heights(sidebar):
    model = sidebar.list.model()
    return [sidebar.list.visualRect(model.index(row, 0)).height() for row in range(model.rowCount())]


def test_each_day_has_its_heading_over_its_first_chat(qapp, host, deliver, sidebar):
    now = now_ms()
    for number, days in enumerate((0, 0, 3, 3, 40)):
        host.add_chat(f"{number}", updated_ms=now - days * DAY_MS - number)
    deliver()
    qapp.processEvents()
    headed = _ROW_PX + _HEADING_PX
    assert heights(sidebar) == [headed, _ROW_PX, headed, _ROW_PX, headed]
    # An old chat that is touched takes the heading of today.
    host.messages.clear()
    host._put(type(host.chats["4"])(id="4", created_ms=0, updated_ms=now + 1, title="4"))
    deliver()
    qapp.processEvents()
    assert heights(sidebar) == [headed, _ROW_PX, _ROW_PX, headed, _ROW_PX]


def test_the_open_chat_stays_selected_when_it_moves(host, deliver, workspace, sidebar):
    for name in ("a", "b", "c"):
        host.add_chat(name, "Hi", "Hello")
    deliver()
    workspace.open_chat("a")
    deliver()
    assert sidebar.list.currentIndex().row() == 2
    workspace.composer.set_text("more")
    workspace.composer.send()
    deliver()
    assert sidebar.list.currentIndex().row() == 0
    assert workspace.transcript.chat_id == "a"
    host.connect()
    deliver()
    assert sidebar.list.currentIndex().row() == 0


def test_the_menu_of_a_chat_is_that_chat_s(host, deliver, sidebar):
    host.add_chat("a")
    host.add_chat("b")
    deliver()
    asked: list[str] = []
    sidebar.chat_menu_wanted.disconnect()
    sidebar.chat_menu_wanted.connect(lambda chat_id, place: asked.append(chat_id))
    rect = sidebar.list.visualRect(sidebar.list.model().index(1, 0))
    sidebar._on_context_menu(rect.center())
    sidebar._on_context_menu(QPoint(10, sidebar.list.height() - 2))  # under the last one
    assert asked == ["a"]


def test_downloads_are_shown_while_there_are_any(host, deliver, workspace, sidebar):
    rows = sidebar.findChild(type(sidebar._transfer_rows))
    assert not rows.isVisible()
    host.transfers = [RUNNING]
    deliver()
    (row,) = rows.rows
    assert row.isVisible()
    assert row._title.whole_text() == "Model-GGUF · Q4_K_M"
    assert row.figures == "1.9 of 5.0 GB · 11.4 MB/s · 5 min left"
    row._toggle.click()
    row._cancel.click()
    assert [type(command).__name__ for command in host.commands] == ["PauseTransfer", "CancelTransfer"]
    host.transfers = []
    host.connect()
    deliver()
    assert not rows.isVisible()


def test_a_paused_download_goes_on_at_a_click(host, deliver, sidebar):
    host.transfers = [Transfer(id="p", repo="o/r", quant="Q8_0", state=TransferState.PAUSED)]
    deliver()
    (row,) = sidebar._transfer_rows.rows
    assert "paused" in row.figures
    row._toggle.click()
    assert [type(command).__name__ for command in host.commands] == ["ResumeTransfer"]


def test_searching_by_keyboard(qtbot, qapp, host, deliver, workspace, window):
    for name in ("alpha", "beta"):
        host.add_chat(name, "Hi", "Hello")
    deliver()
    window._toggle_sidebar()
    window.activateWindow()
    field = window.sidebar.search
    qtbot.keySequence(window, "Ctrl+K")
    assert field.hasFocus()
    qtbot.keyClicks(field, "alp")
    qtbot.keyClick(field, Qt.Key.Key_Return)  # too early: nothing is found yet
    assert workspace.transcript.chat_id is None
    workspace.chats._look()
    deliver()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    deliver()
    assert workspace.transcript.chat_id == "alpha"
    assert window.sidebar.list.hasFocus()
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    deliver()
    assert workspace.chats.rowCount() == 2
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert window.composer.edit.hasFocus()


def test_a_search_that_finds_nothing_says_so(host, deliver, workspace, window):
    host.add_chat("alpha")
    deliver()
    sidebar = window.sidebar
    assert not sidebar.nothing.isVisible()
    sidebar.search.setText("zzz")
    workspace.chats._look()
    deliver()
    assert sidebar.nothing.isVisible()
    window.actions_by_name["new_chat"].trigger()
    deliver()
    assert sidebar.search.text() == ""
    assert not sidebar.nothing.isVisible()


def test_a_long_title_is_renamed_from_its_beginning(host, window, deliver, qapp):
    host.add_chat("c", "Hi", title="A title that is far too long for the line it is edited in")
    deliver()
    window.sidebar.rename("c")
    (editor,) = window.sidebar.list.findChildren(QLineEdit)
    assert editor.hasSelectedText()
    assert editor.selectedText() == editor.text()
    assert editor.cursorPosition() == 0
