"""Buttons of one make: an icon with a name that is its tool tip and what a screen reader says."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QToolButton,
    QWidget,
)

from ui.theme import ICON_PX, Theme

_LEAST_PX = 120


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


class WrappingButton(QPushButton):
    """Breaks its words into lines where it is too narrow for one."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def lines(self, width: int) -> list[str]:
        """The words as they stand in a button of that width."""
        room = width - (self.sizeHint().width() - self.fontMetrics().horizontalAdvance(self.text()))
        lines: list[str] = []
        for word in self.text().split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.fontMetrics().horizontalAdvance(longer) <= room:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self.sizeHint().height() + (len(self.lines(width)) - 1) * self.fontMetrics().lineSpacing()

    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST_PX, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = "\n".join(self.lines(self.width()))
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()


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


def push_button(text: str, kind: str = "", *, wraps: bool = False) -> QPushButton:
    button = WrappingButton(text) if wraps else QPushButton(text)
    button.setAutoDefault(False)
    if kind:
        button.setProperty("kind", kind)
    return button
