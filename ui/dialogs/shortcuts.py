"""Every key the window knows, made from the table of `ui/actions.py`. F1 shows it and puts it away."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from ui.actions import BY_NAME, ActionSpec, Group, KeySpec, listed
from ui.widgets.buttons import push_button
from ui.widgets.labels import label

_SIZE = QSize(840, 720)
_BOTH_PX = 720  # from here on there is room for both columns
_EDGE_PX = 48  # that is left of the screen around it
_COLUMNS = (
    (Group.CHAT, Group.WRITING, Group.MODEL, Group.HELP),
    (Group.ANSWER, Group.VIEW),
)


class ShortcutsDialog(QDialog):
    """Does not hold the window up: keys can be tried while it is there."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.setObjectName("dialog")
        self._columns = columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        columns.setContentsMargins(24, 20, 24, 8)
        columns.setSpacing(40)
        for groups in _COLUMNS:
            columns.addLayout(_column(groups), 1)
        body = QWidget()
        body.setObjectName("transcript")
        body.setLayout(columns)
        self.scroll = QScrollArea()
        self.scroll.setObjectName("canvas")
        self.scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll.setWidgetResizable(True)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # to scroll it by keyboard
        self.scroll.setAccessibleName(self.windowTitle())
        self.scroll.setWidget(body)
        self.close_button = push_button(self.tr("Close"))
        self.close_button.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.setContentsMargins(24, 8, 24, 16)
        foot.addStretch(1)
        foot.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.scroll, 1)
        column.addLayout(foot)
        again = QAction(self)
        again.setShortcuts(BY_NAME["shortcuts"].sequences())
        again.triggered.connect(self.close)
        self.addAction(again)
        self.resize(self._fitting_size())
        self.close_button.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """One under the other where there is no room for both."""
        super().resizeEvent(event)
        is_narrow = self.width() < _BOTH_PX
        self._columns.setSpacing(0 if is_narrow else 40)
        direction = QBoxLayout.Direction
        self._columns.setDirection(direction.TopToBottom if is_narrow else direction.LeftToRight)

    def _fitting_size(self) -> QSize:
        room = self.screen().availableSize() - QSize(_EDGE_PX, _EDGE_PX)
        return _SIZE.boundedTo(room)


def _column(groups: Sequence[Group]) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(6)
    specs = listed()
    for group in groups:
        column.addWidget(label(group.title, "heading"))
        column.addLayout(_table(specs[group]))
        column.addSpacing(14)
    column.addStretch(1)
    return column


def _table(specs: Sequence[ActionSpec | KeySpec]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(0, 1)
    for row, spec in enumerate(specs):
        words = label(spec.title, wraps=True)
        grid.addWidget(words, row, 0)
        grid.addLayout(_keys(spec), row, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
    return grid


def _keys(spec: ActionSpec | KeySpec) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    for sequence in spec.sequences():
        row.addWidget(label(sequence.toString(QKeySequence.SequenceFormat.NativeText), "key"))
    return row
