"""A number one types or steps with the arrow keys; the mouse wheel moves it only while one is in it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox

_EDGE_PX = 14  # border, padding and the caret


class FigureEdit(QDoubleSpinBox):
    """With `absent`, the least value stands for no number and is shown as those words."""

    def __init__(
        self, least: float, most: float, step: float, *, decimals: int = 0, absent: str = ""
    ) -> None:
        super().__init__()
        self._least = least
        self.setDecimals(decimals)
        self.setRange(least, most)
        self.setSingleStep(step)
        self.setSpecialValueText(absent)
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setKeyboardTracking(False)  # a number is told when it is whole
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def words_width(self) -> int:
        """The room that the words for no number take, with the edges."""
        return self.fontMetrics().horizontalAdvance(self.specialValueText()) + 2 * _EDGE_PX

    @property
    def figure(self) -> float | int | None:
        if self.specialValueText() and self.value() == self._least:
            return None
        return self.value() if self.decimals() else round(self.value())

    def set_figure(self, figure: float | None) -> None:
        """Shows a number without telling it as typed; leaves alone what somebody is typing."""
        wanted = self._least if figure is None else figure
        if abs(wanted - self.value()) < 10.0 ** -(self.decimals() + 1):
            return
        self.blockSignals(True)
        self.setValue(wanted)
        self.blockSignals(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
