"""A pane with links: shown where they go, opened by a click or by Enter through a signal, never by itself."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from ui.markdown.ink import Ink
from ui.widgets.text_pane import TextPane

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class LinkPane(TextPane):
    link_wanted = Signal(str)

    def __init__(self, ink: Ink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ink = ink
        self.setFont(ink.font)
        self.viewport().setMouseTracking(True)
        if ink.is_muted:
            self.setProperty("kind", "muted")

    # Qt's side

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        is_link = bool(self.anchorAt(event.position().toPoint()))
        shape = Qt.CursorShape.PointingHandCursor if is_link else Qt.CursorShape.IBeamCursor
        self.viewport().setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        link = self.anchorAt(event.position().toPoint())
        if link and event.button() == Qt.MouseButton.LeftButton and not self.textCursor().hasSelection():
            self.link_wanted.emit(link)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        link = self.textCursor().charFormat().anchorHref()
        if event.key() in _ENTER and link:
            self.link_wanted.emit(link)
        else:
            super().keyPressEvent(event)
