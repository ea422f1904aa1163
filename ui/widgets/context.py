"""The menu of what has the focus, by key. Qt does that for the Menu key, which many keyboards have not."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QWidget


def open_context_menu(widget: QWidget) -> None:
    """Lets a widget open its menu, where its caret or its chosen row is."""
    area = widget.inputMethodQuery(Qt.InputMethodQuery.ImCursorRectangle)
    place = area.toRect().center() if isinstance(area, QRectF) else area.center()
    if not widget.rect().contains(place):
        place = widget.rect().center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, place, widget.mapToGlobal(place))
    QApplication.sendEvent(widget, event)
