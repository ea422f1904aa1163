"""What each control that can be reached needs for a screen reader; `test_scenes.py` walks every scene."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QScrollArea,
    QTextEdit,
    QWidget,
)

# What somebody can act on, or has to be told of, even where the focus does not go.
CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QTextEdit,
)
NO_ROLES = (QAccessible.Role.NoRole, QAccessible.Role.Client, QAccessible.Role.Window)


def controls(stage):
    for top in (stage.window, *stage.popups):
        if isinstance(top, QMenu):
            continue  # its actions are the table of ui/actions.py
        for widget in top.findChildren(QWidget):
            is_inner = isinstance(widget.parent(), QAbstractSpinBox) or isinstance(widget, QAbstractSlider)
            can_focus = widget.focusPolicy() != Qt.FocusPolicy.NoFocus
            if widget.isVisible() and not is_inner and (can_focus or isinstance(widget, CONTROLS)):
                yield widget


def fault(widget):
    """Returns what a control lacks; empty when nothing."""
    interface = QAccessible.queryAccessibleInterface(widget)
    what = f"{type(widget).__name__} “{widget.objectName()}” in {type(widget.parent()).__name__}"
    if interface is None:
        return f"{what}: unknown to screen readers"
    if not interface.text(QAccessible.Text.Name).strip():
        return f"{what}: no name"
    if isinstance(widget, QScrollArea):
        return ""  # Qt gives it none; its name is read
    return f"{what}: no role" if interface.role() in NO_ROLES else ""


def test_a_control_without_a_name_is_found(qapp, show):
    bare = show(QLineEdit())
    assert fault(bare).endswith("no name")
    bare.setAccessibleName("Title")
    assert fault(bare) == ""
