"""Labels of the theme's kinds: title, heading, muted, caption; and one that ends in an ellipsis."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy

from ui.theme import ICON_PX


def label(text: str = "", kind: str = "", *, wraps: bool = False) -> QLabel:
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)  # nothing a model or a file name says is markup
    made.setWordWrap(wraps)
    if kind:
        made.setProperty("kind", kind)
    return made


class Sign(QLabel):
    """An icon that is not a button."""

    def __init__(self, size_px: int = ICON_PX) -> None:
        super().__init__()
        self._size = QSize(size_px, size_px)
        self.setFixedSize(self._size)

    def setIcon(self, icon: QIcon) -> None:
        self.setPixmap(icon.pixmap(self._size, self.devicePixelRatio()))


class ElidedLabel(QLabel):
    """One line that is cut with an ellipsis where it has no room; the tool tip then has it whole.

    Where not even half of it has room, shorter words stand in its place, if there are any.
    """

    def __init__(self, text: str = "", kind: str = "") -> None:
        super().__init__()
        self._whole, self._short = "", ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if kind:
            self.setProperty("kind", kind)
        self.set_whole_text(text)

    def whole_text(self) -> str:
        return self._whole

    def set_whole_text(self, text: str, short: str = "") -> None:
        if (text, short) != (self._whole, self._short):
            self._whole, self._short = text, short
            self.setAccessibleName(text)
            self._cut()
            self.updateGeometry()

    def _cut(self) -> None:
        room = self.contentsRect().width()
        metrics = self.fontMetrics()
        is_tight = self._short and 2 * room < metrics.horizontalAdvance(self._whole)
        text = self._short if is_tight else self._whole
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        if shown != self.text():
            self.setText(shown)
            self.setToolTip("" if shown == self._whole else self._whole)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._whole) + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cut()
