"""The list of shortcuts is the table of actions, and nothing else."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel

from ui.actions import ACTIONS, KEYS, listed
from ui.dialogs.shortcuts import ShortcutsDialog


@pytest.fixture
def dialog(window, qtbot):
    window.activateWindow()
    qtbot.keySequence(window, QKeySequence("F1"))
    (dialog,) = window.findChildren(ShortcutsDialog)
    return dialog


def said(dialog):
    return [label.text() for label in dialog.findChildren(QLabel)]


def test_everything_with_a_key_is_listed_once(dialog):
    words = said(dialog)
    specs = [*(spec for spec in ACTIONS if spec.shortcuts), *KEYS]
    assert [spec.title for spec in specs if words.count(spec.title) != 1] == []
    keys = {
        sequence.toString(QKeySequence.SequenceFormat.NativeText)
        for spec in specs
        for sequence in spec.sequences()
    }
    assert keys - set(words) == set()
    assert [group.title for group in listed() if group.title not in words] == []


@pytest.mark.parametrize("keys", ["F1", "Ctrl+/", "Esc"])
def test_it_goes_by_the_key_it_came_by(dialog, qtbot, keys):
    assert dialog.isVisible()
    assert not dialog.isModal()
    if keys == "Esc":
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    else:
        qtbot.keySequence(dialog, QKeySequence(keys))
    assert not dialog.isVisible()


def test_the_window_s_own_key_puts_it_away_too(dialog, window, qtbot, qapp):
    qtbot.keySequence(window, QKeySequence("F1"))
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert window.findChildren(ShortcutsDialog) == []


def test_its_button_has_the_focus_and_the_list_scrolls_by_keyboard(dialog, qtbot, qapp):
    dialog.activateWindow()
    qtbot.waitUntil(dialog.close_button.hasFocus)
    dialog.resize(QSize(640, 300))
    qapp.processEvents()
    qtbot.keyClick(dialog, Qt.Key.Key_Tab)
    assert dialog.scroll.hasFocus()
    qtbot.keyClick(dialog.scroll, Qt.Key.Key_PageDown)
    assert dialog.scroll.verticalScrollBar().value() > 0


@pytest.mark.parametrize("width", [400, 720, 1000])
def test_nothing_is_cut_off_at_the_side(dialog, qapp, width):
    dialog.resize(width, 400)
    qapp.processEvents()
    assert dialog.scroll.horizontalScrollBar().maximum() == 0


def test_it_is_no_larger_than_the_screen(dialog):
    room = dialog.screen().availableSize()
    assert dialog.width() < room.width()
    assert dialog.height() < room.height()
