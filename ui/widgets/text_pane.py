"""Text to be read and copied, as tall as it is long; grows at its end without being set anew."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QResizeEvent,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit, QWidget

from ui.widgets.wrapping import LONGEST_RUN, run_after, wrap_mode

_TALLEST = "ẪỔỨ"
BORDER_PX = 2  # of the style sheet; the focus ring is drawn in it
_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
_AND_BACK = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
_OUTER_KEYS = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Escape)


@lru_cache(maxsize=16)
def headroom(font: QFont) -> int:
    """Returns how far the marks of Vietnamese capitals stand out above a font's lines: 3 px in DejaVu Sans at
    11 pt. On a first line they would be cut off.
    """
    metrics = QFontMetricsF(font)
    return max(0, math.ceil(-metrics.tightBoundingRect(_TALLEST).top()) - math.ceil(metrics.ascent()))


class TextPane(QTextEdit):
    """Plain text. Scrolling is left to what is around it. Knows no messages."""

    caret_moved = Signal()  # by keyboard: what is around should show it

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pane")
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(wrap_mode(""))
        self._is_growing = False
        self._had_ring = False  # before a menu, or another window
        self._run = 0  # characters without a space at the end
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # what is around has one
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.document().setUndoRedoEnabled(False)
        self._make_headroom()
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self.cursorPositionChanged.connect(self._on_caret)

    def set_text(self, text: str) -> None:
        self.setWordWrapMode(wrap_mode(text))
        self._run = run_after(0, text)
        self.setPlainText(text)
        self._make_headroom()
        self._fit()

    def clear(self) -> None:
        super().clear()
        self._make_headroom()

    def append_text(self, text: str) -> None:
        """Adds to the end; what the reader has selected stays selected, and no more than that."""
        self._run = run_after(self._run, text)
        if self._run > LONGEST_RUN:
            self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        with self.keeping_caret() as cursor:
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(text)

    @contextmanager
    def keeping_caret(self) -> Iterator[QTextCursor]:
        """Gives a cursor to change the document with, in one step; caret and selection are then as before."""
        # Not keepPositionOnInsert alone: it keeps the caret, but not the other end of a selection.
        caret = self.textCursor()
        place = (caret.anchor(), caret.position())
        self._is_growing = True
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        try:
            yield cursor
        finally:
            cursor.endEditBlock()
            caret = self.textCursor()
            if (caret.anchor(), caret.position()) != place:
                most = self.document().characterCount() - 1
                caret.setPosition(min(place[0], most))
                caret.setPosition(min(place[1], most), QTextCursor.MoveMode.KeepAnchor)
                self.setTextCursor(caret)
            self._is_growing = False

    def text(self) -> str:
        return self.toPlainText()

    def fit_to(self, width: int) -> None:
        """Takes its height for a width that it is about to get, sparing a second layout."""
        self.document().setTextWidth(width - 2 * BORDER_PX)
        self._fit()

    def text_width(self, most: int) -> int:
        """Returns the width it needs to show its text, at most `most`."""
        self.document().setTextWidth(most - 2 * BORDER_PX)
        return min(most, math.ceil(self.document().idealWidth()) + 2 * BORDER_PX + 1)

    def _fit(self, *_: object) -> None:
        line = self.fontMetrics().lineSpacing() + headroom(self.font())
        lines = max(self.document().size().height(), line)
        height = math.ceil(lines) + 2 * BORDER_PX + self._extra_height()
        if height != self.minimumHeight():
            self.setFixedHeight(height)

    def _make_headroom(self) -> None:
        """Setting a document's text takes its frame's format away, so this is done after it each time."""
        frame = self.document().rootFrame()
        form = frame.frameFormat()
        wanted = headroom(self.font())
        if form.topMargin() != wanted:
            form.setTopMargin(wanted)
            frame.setFrameFormat(form)

    def _extra_height(self) -> int:
        """What a kind of pane needs besides its lines."""
        return 0

    def _on_caret(self) -> None:
        if self.hasFocus() and not self._is_growing:
            self.caret_moved.emit()

    def _set_ring(self, *, is_on: bool) -> None:
        self.setProperty("ring", is_on)
        self.style().unpolish(self)
        self.style().polish(self)

    # Qt's side

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._make_headroom()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _OUTER_KEYS and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in _KEYBOARD:
            self._set_ring(is_on=True)
            self.caret_moved.emit()
        elif event.reason() in _AND_BACK and self._had_ring:
            self._set_ring(is_on=True)
        self._had_ring = False

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.property("ring"):
            self._had_ring = event.reason() in _AND_BACK
            self._set_ring(is_on=False)
