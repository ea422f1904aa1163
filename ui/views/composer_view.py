"""The box one writes in: grows with its text, sends on Enter; its button is Stop while an answer comes."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.domain.chat import MAX_MESSAGE_BYTES
from ui.texts import SEPARATOR, room_text, size_text
from ui.theme import Theme, transcript_font
from ui.viewmodels.composer import Composer
from ui.viewmodels.room import Room
from ui.widgets.buttons import push_button
from ui.widgets.dropped import gguf_path, has_files
from ui.widgets.labels import ElidedLabel, Sign, label
from ui.widgets.wrapping import wrap_mode

MOST_LINES = 9
# From here on the box says how long the text is.
_LONG_CHARACTERS = MAX_MESSAGE_BYTES // 4
_ICON_PX = 14
_INSET_PX = 2  # or the first letter's overhang is cut
_PAGES = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class DraftEdit(QPlainTextEdit):
    """Grows to MOST_LINES, then scrolls. Enter is for the box, Shift+Enter for the text."""

    entered = Signal()
    focus_changed = Signal(bool)
    escaped = Signal()
    paged = Signal(int)  # by how many pages the conversation is to be scrolled
    recalled = Signal()  # Up, where there is no text to go up in

    def __init__(self) -> None:
        super().__init__()
        self._is_full = False  # scrolls
        self.setObjectName("draft")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(_INSET_PX)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    def set_text(self, text: str) -> None:
        """Replaces the text and puts the caret at its end."""
        self.setWordWrapMode(wrap_mode(text))
        self.setPlainText(text)
        self.moveCursor(QTextCursor.MoveOperation.End)

    def _fit(self, *_: object) -> None:
        wanted = round(self.document().size().height())  # of a plain document: in lines
        lines = max(1, min(MOST_LINES, wanted))
        self._is_full = wanted > MOST_LINES
        bar = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(bar.ScrollBarAsNeeded if self._is_full else bar.ScrollBarAlwaysOff)
        metrics = QFontMetricsF(self.font())
        # As Qt lays out a line: ascent and descent are rounded up each.
        line_px = math.ceil(metrics.ascent()) + math.ceil(metrics.descent())
        height = lines * line_px + 2 * _INSET_PX
        if height != self.minimumHeight():
            self.setFixedHeight(height)

    def setFont(self, font: QFont) -> None:  # type: ignore[override]
        super().setFont(font)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """A model file is for the window."""
        return gguf_path(source) is None and super().canInsertFromMimeData(source)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files are for the window, which says what can be done with them."""
        if has_files(event.mimeData()):
            event.ignore()
        else:
            super().dragEnterEvent(event)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """What is pasted or dropped."""
        if self.wordWrapMode() != QTextOption.WrapMode.WrapAnywhere:
            self.setWordWrapMode(wrap_mode(source.text()))
        super().insertFromMimeData(source)

    def event(self, event: QEvent) -> bool:
        """Leaves Ctrl+End to the window where there is no text to go to the end of."""
        is_override = event.type() == QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and self._is_for_window(event):
            event.ignore()
            return False
        return super().event(event)

    def _is_for_window(self, event: QKeyEvent) -> bool:
        return event.matches(QKeySequence.StandardKey.MoveToEndOfDocument) and self.textCursor().atEnd()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _ENTER and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.entered.emit()
            event.accept()
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        elif event.key() == Qt.Key.Key_Up and self.document().isEmpty():
            self.recalled.emit()
        elif event.key() in _PAGES and not self._is_full:
            self.paged.emit(_PAGES[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit(False)


class ComposerView(QFrame):
    def __init__(self, composer: Composer, room: Room, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._composer = composer
        self._room = room
        self._theme = theme
        self.setObjectName("composer")
        self.edit = DraftEdit()
        self.edit.setFont(transcript_font())
        self.edit.setPlaceholderText(self.tr("Ask anything"))
        self.edit.setAccessibleName(self.tr("Your message"))
        self._length = label(kind="caption")
        self.button = push_button("", "primary")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setIconSize(QSize(_ICON_PX, _ICON_PX))
        self.editing = self._build_editing()
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 8, 8)
        column.setSpacing(4)
        column.addWidget(self.editing)
        row = QHBoxLayout()
        row.setSpacing(12)
        column.addLayout(row)
        self.room = label(kind="caption", wraps=True)
        column.addWidget(self.room)
        row.addWidget(self.edit, 1, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._length, 0, Qt.AlignmentFlag.AlignBottom)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignBottom)
        self.edit.textChanged.connect(self._on_typed)
        self.edit.entered.connect(composer.send)
        self.edit.focus_changed.connect(self._show_focus)
        self.edit.escaped.connect(composer.cancel_edit)
        self.edit.recalled.connect(composer.edit_last)
        self.button.clicked.connect(self._on_button)
        composer.changed.connect(self._show)
        composer.text_replaced.connect(self._on_replaced)
        room.changed.connect(self._show_room)
        self._on_replaced()
        self._show()
        self._show_room()

    def write(self) -> None:
        """Puts the caret into the box."""
        self.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _build_editing(self) -> QWidget:
        """What stands over the text while it is a message written anew."""
        strip = QWidget()
        sign = Sign(_ICON_PX)
        self._theme.dress(sign, "pencil", "accent", _ICON_PX)
        words = ElidedLabel(self.tr("Editing a message. The one before stays in the chat."), "caption")
        self.cancel = push_button(self.tr("Cancel"), "link")
        self.cancel.setToolTip(self.tr("Leave the message as it is (Esc)"))
        self.cancel.clicked.connect(self._on_cancel)
        row = QHBoxLayout(strip)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(sign)
        row.addWidget(words, 1)
        row.addWidget(self.cancel)
        return strip

    def _on_cancel(self) -> None:
        self._composer.cancel_edit()
        self.write()

    def _on_typed(self) -> None:
        text = self.edit.toPlainText()
        if text != self._composer.text:
            self._composer.set_text(text)

    def _on_replaced(self) -> None:
        if self.edit.toPlainText() != self._composer.text:
            self.edit.set_text(self._composer.text)

    def _on_button(self) -> None:
        if self._composer.can_stop:
            self._composer.stop()
        else:
            self._composer.send()
        self.write()

    def _show(self) -> None:
        composer = self._composer
        self.edit.setReadOnly(composer.is_sending)
        self.editing.setVisible(composer.editing is not None)
        self.cancel.setEnabled(not composer.is_sending)
        is_stop = composer.can_stop
        self.button.setText(self.tr("Stop") if is_stop else self.tr("Send"))
        self.button.setToolTip(self.tr("Stop the answer (Esc)") if is_stop else self.tr("Send (Enter)"))
        self.button.setEnabled(is_stop or composer.can_send)
        self._theme.dress(self.button, "stop" if is_stop else "arrow-up", self._ink(), _ICON_PX)
        is_long = len(composer.text) > _LONG_CHARACTERS
        parts = [size_text(len(composer.text.encode())), size_text(MAX_MESSAGE_BYTES)] if is_long else []
        self._length.setText(SEPARATOR.join(parts))
        self._length.setVisible(is_long)

    def _show_room(self) -> None:
        size = self._room.size
        self.room.setText(room_text(size) if size is not None else "")
        self.room.setVisible(size is not None)

    def _ink(self) -> str:
        """The colour of what is on the button."""
        return "on_accent" if self.button.isEnabled() else "muted"

    def _show_focus(self, has_focus: bool) -> None:
        self.setProperty("focused", has_focus)
        self.style().unpolish(self)
        self.style().polish(self)
