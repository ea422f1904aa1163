"""What is said while a file is held over the window: that it can be dropped, or why not."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.theme import Theme
from ui.widgets.dropped import gguf_path, has_files
from ui.widgets.labels import Sign, label

_ICON_PX = 32
_INSET_PX, _RADIUS_PX = 16, 16
_VEIL = 0.96  # how much it covers


class DropHint(QWidget):
    """Listens to what is dragged over its parent and covers it meanwhile, so that all of it is one place."""

    dropped = Signal(str)  # the path of a model file

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._is_right = False
        self._sign = Sign(_ICON_PX)
        self._title = label(kind="title", wraps=True)
        self._line = label(kind="muted", wraps=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(48, 48, 48, 48)
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignHCenter)
        for each in (self._title, self._line):
            each.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(each)
        column.addStretch(3)
        parent.installEventFilter(self)
        self.hide()

    @property
    def text(self) -> str:
        return f"{self._title.text()} {self._line.text()}"

    def show_for(self, data: QMimeData) -> bool:
        """Shows itself; returns whether there is a model file among what is held."""
        path = gguf_path(data)
        self._is_right = path is not None
        if path is not None:
            title = self.tr("Drop to chat with {file}").format(file=Path(path).name)
            line = self.tr("The file stays where it is.")
        else:
            title = self.tr("This is not a model file")
            line = self.tr("Cove opens models as GGUF files: their names end in .gguf.")
        self._title.setText(title)
        self._line.setText(line)
        icon, token = ("model-file", "accent") if self._is_right else ("info", "muted")
        self._theme.dress(self._sign, icon, token, _ICON_PX)
        self.setGeometry(self.parentWidget().rect())
        self.raise_()
        self.show()
        return self._is_right

    # Qt's side

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self.parentWidget().rect())
        elif isinstance(event, QDropEvent):  # entering and moving are kinds of it
            return self._on_drag(event)
        elif event.type() == QEvent.Type.DragLeave:
            self.hide()
        return False

    def _on_drag(self, event: QDropEvent) -> bool:
        data = event.mimeData()
        if not has_files(data):
            return False
        path = gguf_path(data)
        is_entering = event.type() == QEvent.Type.DragEnter
        if is_entering:
            self.show_for(data)
        elif event.type() == QEvent.Type.Drop:
            self.hide()
            if path is not None:
                self.dropped.emit(path)
        # What is refused at once is not followed: Qt would not tell when it leaves.
        if path is not None or is_entering:
            event.acceptProposedAction()
        else:
            event.ignore()
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = self._theme.color("canvas")
        veil.setAlphaF(_VEIL)
        painter.fillRect(self.rect(), veil)
        edge = self._theme.color("accent" if self._is_right else "edge")
        painter.setPen(QPen(edge, 2, Qt.PenStyle.DashLine))
        inset = QRectF(self.rect()).adjusted(_INSET_PX, _INSET_PX, -_INSET_PX, -_INSET_PX)
        painter.drawRoundedRect(inset, _RADIUS_PX, _RADIUS_PX)
        painter.end()
