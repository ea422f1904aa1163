"""A piece of code: its language, a button that copies it, and the text, which scrolls sideways."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtGui import QFontMetricsF, QGuiApplication, QResizeEvent, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QTextEdit, QToolButton, QVBoxLayout, QWidget

from ui.markdown.highlight import Highlighter
from ui.markdown.ink import Ink
from ui.markdown.leaves import Code
from ui.markdown.table import scroll_sideways
from ui.markdown.writing import common_length, utf16_length
from ui.widgets.labels import label
from ui.widgets.text_pane import BORDER_PX, TextPane

_TAB = 4  # characters
_COPIED_MS = 1600
_SIDE_PX = 12

translate = QCoreApplication.translate


class CodePane(TextPane):
    def __init__(self, ink: Ink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ""
        self.setLineWrapMode(QTextEdit.LineWrapMode.NoWrap)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setFont(ink.code_font)
        self.setTabStopDistance(_TAB * QFontMetricsF(ink.code_font).horizontalAdvance(" "))

    def show_code(self, text: str) -> None:
        """What is alike at the beginning stays: as a rule, all of what was there."""
        same = common_length(self._shown, text)
        if same < len(self._shown) or same < len(text):
            with self.keeping_caret() as cursor:
                cursor.setPosition(utf16_length(text[:same]))
                cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
                cursor.insertText(text[same:])
        self._shown = text

    def fit_to(self, width: int) -> None:
        self._fit()

    def _extra_height(self) -> int:
        is_wider = self.document().idealWidth() > self.viewport().width() + 1
        return self.horizontalScrollBar().sizeHint().height() if is_wider else 0

    # Qt's side

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        scroll_sideways(self, event)


class CodeBlock(QFrame):
    def __init__(self, ink: Ink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("code")
        self._code = Code("")
        self.pane = CodePane(ink)
        self._highlighter = Highlighter(self.pane.document(), ink)
        self._language = label(kind="caption")
        self._copy = QToolButton()
        self._copy.setProperty("kind", "fold")
        self._copy.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._copy.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._copy.clicked.connect(self._on_copy)
        ink.theme.dress(self._copy, "copy", "muted")
        self._said = QTimer(self)
        self._said.setSingleShot(True)
        self._said.setInterval(_COPIED_MS)
        self._said.timeout.connect(self._rest)
        head = QHBoxLayout()
        head.setContentsMargins(BORDER_PX, 0, 0, 0)
        head.addWidget(self._language)
        head.addStretch(1)
        head.addWidget(self._copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(_SIDE_PX, 4, 6, 8)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.pane)
        self._rest()

    def show_code(self, code: Code) -> None:
        self._code = code
        self._language.setText(code.language)
        name = translate("markdown", "Code")
        self.pane.setAccessibleName(f"{name}, {code.language}" if code.language else name)
        self._highlighter.set_language(code.language)
        self.pane.show_code(code.text)

    def repaint_in(self, ink: Ink) -> None:
        self._highlighter.repaint_in(ink)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._code.text)
        self._copy.setText(translate("markdown", "Copied"))
        self._said.start()

    def _rest(self) -> None:
        self._copy.setText(translate("markdown", "Copy"))
        self._copy.setAccessibleName(translate("markdown", "Copy code"))
