"""Buttons of one make: an icon with a name that is its tool tip and what a screen reader says."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from ui.theme import ICON_PX, Theme


class QuietButton(QToolButton):
    """Keeps its place, but is only seen while it is awake or has the focus. It can always be tabbed to."""

    def __init__(self) -> None:
        super().__init__()
        self._is_awake = False

    def set_awake(self, *, is_awake: bool) -> None:
        self._is_awake = is_awake
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._is_awake or self.hasFocus():
            super().paintEvent(event)


def icon_button(theme: Theme, icon: str, name: str, token: str = "muted", kind: str = "") -> QToolButton:
    return dress_button(QToolButton(), theme, icon, name, token, kind)


def quiet_button(theme: Theme, icon: str, name: str) -> QuietButton:
    button = QuietButton()
    dress_button(button, theme, icon, name)
    return button


def dress_button(
    button: QToolButton, theme: Theme, icon: str, name: str, token: str = "muted", kind: str = ""
) -> QToolButton:
    theme.dress(button, icon, token)
    button.setIconSize(QSize(ICON_PX, ICON_PX))
    button.setCursor(Qt.CursorShape.ArrowCursor)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if kind:
        button.setProperty("kind", kind)
    rename_button(button, name)
    return button


def rename_button(button: QWidget, name: str) -> None:
    """Gives a button without words its name, for the eye and for the ear."""
    button.setToolTip(name)
    button.setAccessibleName(name)


def push_button(text: str, kind: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    if kind:
        button.setProperty("kind", kind)
    return button
