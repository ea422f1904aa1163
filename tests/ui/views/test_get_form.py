"""Ways to get a model: the form in the model list, a file that is opened, a file that is dropped."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog

from app.client.protocol import FindModel, Pull
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
    enter = QDragEnterEvent(QPoint(9, 9), copy, data, left, none)
    enter.setAccepted(False)
    window.dragEnterEvent(enter)
    window.dropEvent(QDropEvent(QPoint(9, 9), copy, data, left, none))
    return enter.isAccepted()


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


def test_escape_goes_back_to_the_list_then_closes(qtbot, popup):
    popup.show_form()
    qtbot.keyClick(popup, Qt.Key.Key_Escape)
    assert popup.list.isVisible()
    assert popup.isVisible()
    popup.show_form()
    popup.form.back.click()
    assert popup.list.isVisible()


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
    assert drop(window, dragged("/a/note.txt", "/a/Model.GGUF"))
    assert [command.reference for command in host.asked(FindModel)] == ["/a/Model.GGUF"]
    assert not drop(window, dragged("/a/note.txt"))
    assert len(host.asked(FindModel)) == 1
    edit = window.composer.edit
    assert not edit.canInsertFromMimeData(dragged("/a/model.gguf"))
    assert edit.canInsertFromMimeData(dragged("/a/note.txt"))
