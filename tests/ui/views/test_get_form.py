"""Ways to get a model: the form in the model list, a file that is opened, a file that is dropped."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog

from app.client.protocol import CancelTransfer, FindModel, Pull
from app.domain.notice import Notice, NoticeCode

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)")


@pytest.fixture
def popup(window, deliver, qapp):
    deliver()
    window.picker.open()
    qapp.processEvents()
    return window.picker.popup


def dragged(*paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return data


def drop(window, data):
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(9, 9), copy, data, left, none))
    move = QDragMoveEvent(QPoint(9, 9), copy, data, left, none)
    QApplication.sendEvent(window, move)
    said = window.drop_hint.text if window.drop_hint.isVisible() else ""
    QApplication.sendEvent(window, QDropEvent(QPoint(9, 9), copy, data, left, none))
    return move.isAccepted(), said


def test_a_model_is_got_by_keyboard(qtbot, host, deliver, window, popup):
    assert popup.get.isVisible()
    popup.get.click()
    form = popup.form
    assert form.isVisible()
    assert not popup.list.isVisible()
    assert not form.download.isEnabled()
    qtbot.keyClicks(form.field, "owner/repo:Q8_0")
    qtbot.keyClick(form.field, Qt.Key.Key_Return)
    assert "Asking the Hub" in form.words.text()
    deliver()
    assert [(pull.repo, pull.quant) for pull in host.asked(Pull)] == [("owner/repo", "Q8_0")]
    assert not popup.isVisible()
    assert form.field.text() == ""


def test_all_that_went_wrong_has_room(qtbot, host, deliver, popup, qapp):
    facts = {"repo": "owner/nothing", "quant": "Q4_K_M", "available": ", ".join(["Q8_0"] * 60)}
    host.refusals[Pull] = Notice(code=NoticeCode.QUANT_NOT_FOUND, facts=dict(facts))
    popup.show_form()
    words = popup.form.words
    popup.form.field.setText("owner/nothing:Q4_K_M")
    qtbot.keyClick(popup.form.field, Qt.Key.Key_Return)
    deliver()
    qapp.processEvents()
    assert "Q8_0, Q8_0" in words.text()
    assert words.height() >= words.heightForWidth(words.width())


def test_what_went_wrong_is_said_beside_the_field(qtbot, host, deliver, popup):
    host.refusals[Pull] = Notice(code=NoticeCode.REPO_NOT_FOUND, facts={"repo": "owner/nothing"})
    popup.show_form()
    form = popup.form
    usual = form.words.text()
    qtbot.keyClicks(form.field, "nothing")
    form.download.click()
    assert "no name of a model" in form.words.text()
    form.field.setText("owner/nothing")
    assert form.words.text() == usual
    form.download.click()
    deliver()
    assert popup.isVisible()
    assert "owner/nothing" in form.words.text()
    assert form.field.text() == "owner/nothing"


def test_escape_leaves_the_form_the_way_one_came(qtbot, window, popup):
    popup.get.click()
    assert popup.form.back.text() == "Back"
    qtbot.keyClick(popup.form.field, Qt.Key.Key_Escape)
    assert popup.list.isVisible()
    assert popup.isVisible()
    popup.get.click()
    popup.form.back.click()
    assert popup.list.isVisible()
    window.actions_by_name["get_model"].trigger()
    assert popup.form.back.text() == "Close"
    qtbot.keyClick(popup.form.field, Qt.Key.Key_Escape)
    assert not popup.isVisible()


def test_leaving_the_form_gives_nothing_up(qtbot, host, deliver, window, popup):
    """Only the download's own button ends it; what goes wrong later is said over the composer."""
    window.frame.show_sidebar(is_shown=False)
    for is_refused in (False, True):
        if is_refused:
            host.refusals[Pull] = Notice(code=NoticeCode.REPO_NOT_FOUND, facts={"repo": "owner/repo"})
        host.is_holding = True
        window.actions_by_name["get_model"].trigger()
        qtbot.keyClicks(popup.form.field, "owner/repo")
        qtbot.keyClick(popup.form.field, Qt.Key.Key_Return)
        assert "download begins anyway" in popup.form.words.text()
        qtbot.keyClick(popup.form.field, Qt.Key.Key_Escape)
        assert not popup.isVisible()
        host.let_go()
        deliver()
        assert window.sidebar.isVisible()  # where its progress is
        assert window.banner.isVisible() is is_refused
    assert "owner/repo" in window.banner.text
    assert host.asked(CancelTransfer) == []


def test_without_a_model_there_are_still_ways_to_get_one(host, deliver, window):
    host.models = []
    deliver()
    window.actions_by_name["get_model"].trigger()
    assert window.picker.popup.form.isVisible()
    window.picker.popup.show_list()
    assert not window.picker.popup.list.isVisible()
    window.picker.popup.close()


def test_a_file_is_opened_through_the_dialog(host, deliver, popup, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/models/x.gguf", ""))
    popup.open_file.click()
    assert not popup.isVisible()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    popup.open_file.click()
    assert [command.reference for command in host.asked(FindModel)] == ["/models/x.gguf"]


def test_a_model_file_is_dropped(host, deliver, window):
    deliver()
    is_taken, said = drop(window, dragged("/a/note.txt", "/a/Model.GGUF"))
    assert is_taken
    assert "Model.GGUF" in said
    assert not window.drop_hint.isVisible()
    assert [command.reference for command in host.asked(FindModel)] == ["/a/Model.GGUF"]


def test_another_file_is_refused_with_words(host, deliver, window):
    deliver()
    is_taken, said = drop(window, dragged("/a/note.txt"))
    assert not is_taken
    assert "not a model file" in said
    assert ".gguf" in said
    assert not window.drop_hint.isVisible()
    assert host.asked(FindModel) == []


def test_the_words_go_when_the_file_goes(deliver, window):
    deliver()
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    data = dragged("/a/model.gguf")
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(9, 9), copy, data, left, none))
    assert window.drop_hint.geometry() == window.rect()
    window.resize(700, 500)
    assert window.drop_hint.geometry() == window.rect()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not window.drop_hint.isVisible()


def test_text_is_dropped_into_the_box_and_files_are_not(window):
    edit = window.composer.edit
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    words = QMimeData()
    words.setText("words")
    for data, is_taken in ((words, True), (dragged("/a/note.txt"), False), (dragged("/a/m.gguf"), False)):
        enter = QDragEnterEvent(QPoint(9, 9), copy, data, left, none)
        enter.setAccepted(False)
        edit.dragEnterEvent(enter)
        assert enter.isAccepted() is is_taken
    assert not edit.canInsertFromMimeData(dragged("/a/model.gguf"))
    assert edit.canInsertFromMimeData(dragged("/a/note.txt"))  # a path that is pasted
