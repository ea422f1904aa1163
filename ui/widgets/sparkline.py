"""A row of figures as a fine line, without axes: the figures themselves stand beside it in words."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.theme import Theme

HEIGHT_PX = 24
_INSET_PX = 4
_DOT_PX = 3


class Sparkline(QWidget):
    """Oldest on the left; the last figure has a dot. Draws nothing for fewer than two."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._figures: list[float] = []
        self.setFixedHeight(HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_figures(self, figures: Sequence[float]) -> None:
        if list(figures) != self._figures:
            self._figures = list(figures)
            self.update()

    def points(self) -> list[QPointF]:
        """Where the figures stand: from zero at the bottom, so that a small change looks small."""
        if len(self._figures) < 2:
            return []
        room = QRectF(self.rect()).adjusted(_INSET_PX, _INSET_PX, -_INSET_PX, -_INSET_PX)
        step = room.width() / (len(self._figures) - 1)
        most = max(self._figures) or 1.0
        return [
            QPointF(room.left() + place * step, room.bottom() - room.height() * figure / most)
            for place, figure in enumerate(self._figures)
        ]

    def paintEvent(self, event: QPaintEvent) -> None:
        points = self.points()
        if not points:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = self._theme.color("accent")
        painter.setPen(QPen(accent, 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawEllipse(points[-1], _DOT_PX, _DOT_PX)
        painter.end()
