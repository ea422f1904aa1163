"""A line that opens to show what is under it, and closes again."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from ui.theme import Theme

ICON_PX = 12


class Fold(QWidget):
    """Closed at first. `body` is made by the caller and shown while open."""

    def __init__(self, theme: Theme, body: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._body = body
        self._button = QToolButton()
        self._button.setProperty("kind", "fold")
        self._button.setCheckable(True)
        self._button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setIconSize(QSize(ICON_PX, ICON_PX))
        self._button.toggled.connect(self._on_toggled)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._line = QHBoxLayout()
        self._line.setSpacing(8)
        self._line.addWidget(self._button)
        self._line.addStretch(1)
        column.addLayout(self._line)
        column.addWidget(body)
        self._on_toggled(is_open=False)

    @property
    def is_open(self) -> bool:
        return self._button.isChecked()

    def set_open(self, *, is_open: bool) -> None:
        self._button.setChecked(is_open)

    def title(self) -> str:
        return self._button.text()

    def set_title(self, title: str) -> None:
        if title != self._button.text():
            self._button.setText(title)
            self._button.setAccessibleName(title)

    def set_beside(self, widget: QWidget) -> None:
        """Puts something behind the title."""
        self._line.insertWidget(1, widget)

    def _on_toggled(self, is_open: bool) -> None:
        self._theme.dress(self._button, "chevron-down" if is_open else "chevron-right", "muted", ICON_PX)
        self._body.setVisible(is_open)
