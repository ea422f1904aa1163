"""An answer on the page: text, code and tables one under the other, growing at the end.

Promises: what is closed is written once; a flush touches the open end alone; what is selected stays selected.
Links come out as a signal; nothing is ever loaded from elsewhere. Knows no messages.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from PySide6.QtCore import QPoint, QTimer, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from ui.markdown.blocks import Blocks
from ui.markdown.code import CodeBlock
from ui.markdown.ink import PANE_GAP, Ink, bar_rect
from ui.markdown.leaves import Code, Leaf, Line, Table, same_count
from ui.markdown.prose import ProsePane
from ui.markdown.table import TablePane
from ui.theme import Theme
from ui.widgets.text_pane import BORDER_PX, TextPane

_SLOW_S = 0.010  # of a flush
_REST, _LONGEST_REST_S = 4, 0.25  # times what a slow one took; the first one loads the parser


class MarkdownView(QWidget):
    """`is_lazy`: what comes while it cannot be seen is laid out when it can."""

    link_wanted = Signal(str)
    caret_moved = Signal(object)  # the pane, by keyboard: what is around should show it

    def __init__(self, theme: Theme, font: QFont, *, is_muted: bool = False, is_lazy: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._is_muted, self._is_lazy = is_muted, is_lazy
        self.setFont(font)
        self._ink = Ink(theme, font, is_muted=is_muted)
        self._text = ""
        self._blocks = Blocks()
        self._is_finished = False
        self._shown: list[Leaf] = []
        self._sure = 0  # how many of what is shown were closed
        self._cells: list[Cell] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(round(PANE_GAP * self._ink.em))
        self._rested_at = 0.0
        self._pace = QTimer(self)
        self._pace.setSingleShot(True)
        self._pace.timeout.connect(self._show)
        theme.changed.connect(self._on_theme)

    def set_text(self, text: str) -> None:
        """Shows another text, the end of which is open until `finish`."""
        self._text = text
        self._start_over()
        self._show()

    def append(self, text: str) -> None:
        """Goes on, also after `finish`."""
        self._text += text
        if self._is_finished:
            self._start_over()
        else:
            self._blocks.feed(text)
        self._show_paced()

    def finish(self) -> None:
        """The text is whole: what is open is closed."""
        if not self._is_finished:
            self._is_finished = True
            self._blocks.finish()
            self._pace.stop()
            self._show()

    def text(self) -> str:
        """The markdown."""
        return self._text

    def to_plain(self) -> str:
        return "\n\n".join(pane.toPlainText() for pane in self.panes())

    def selected_text(self) -> str:
        return next((pane.textCursor().selection().toPlainText() for pane in self.panes() if _has(pane)), "")

    def link_at(self, place: QPoint) -> str:
        """Returns where the link at a place of this view goes; empty where there is none."""
        for cell in self._cells:
            viewport = cell.pane.viewport()
            inside = viewport.mapFrom(self, place)
            if viewport.rect().contains(inside):
                return cell.pane.anchorAt(inside)
        return ""

    def panes(self) -> list[TextPane]:
        return [cell.pane for cell in self._cells]

    def fit_to(self, width: int) -> None:
        """Takes its height for a width that it is about to get, sparing a second layout."""
        for cell in self._cells:
            cell.fit_to(width)

    def setAccessibleName(self, name: str) -> None:
        super().setAccessibleName(name)
        for cell in self._cells:
            cell.set_name(name)

    def _start_over(self) -> None:
        self._blocks, self._is_finished, self._sure = Blocks(), False, 0
        self._blocks.feed(self._text)

    def _show_paced(self) -> None:
        """An end that takes long (a table of a hundred rows) is shown less often: the window stays quick."""
        left_s = self._rested_at - time.perf_counter()
        if left_s <= 0:
            self._show()
        elif not self._pace.isActive():
            self._pace.start(math.ceil(left_s * 1000))

    def _show(self) -> None:
        if self._is_lazy and not self.isVisible():
            return
        begun = time.perf_counter()
        self._show_leaves()
        ended = time.perf_counter()
        took = ended - begun
        self._rested_at = ended + min(_REST * took, _LONGEST_REST_S) if took > _SLOW_S else 0.0

    def _show_leaves(self) -> None:
        leaves = [*self._blocks.closed, *self._blocks.tail()]
        same = same_count(self._shown, leaves, self._sure)
        self._sure = len(self._blocks.closed)
        if same == len(leaves) == len(self._shown):
            return
        self._shown = leaves
        self._show_from(same)

    def _show_from(self, same: int) -> None:
        # The cell before the first change too: it may be what goes on.
        place = max(0, bisect_left(self._cells, same, key=lambda cell: cell.first) - 1)
        first = self._cells[place].first if self._cells else 0
        for group in _groups(self._shown[first:]):
            if place < len(self._cells) and not self._cells[place].takes(group):
                self._drop(place)
            if place == len(self._cells):
                self._add(group, first)
            self._cells[place].show_group(group, max(0, same - first))
            first += len(group)
            place += 1
        self._drop(place)

    def _add(self, group: Sequence[Leaf], first: int) -> None:
        cell = Cell(self._ink, group[0], first)
        cell.set_name(self.accessibleName())
        cell.fit_to(self.width())
        cell.pane.caret_moved.connect(lambda: self.caret_moved.emit(cell.pane))
        cell.pane.selectionChanged.connect(lambda: self._on_selection(cell.pane))
        if isinstance(cell.body, ProsePane | TablePane):
            cell.body.link_wanted.connect(self.link_wanted)
        self._cells.append(cell)
        self._column.addWidget(cell)

    def _drop(self, place: int) -> None:
        for cell in self._cells[place:]:
            self._column.removeWidget(cell)
            cell.hide()
            cell.deleteLater()
        del self._cells[place:]

    def _on_selection(self, pane: TextPane) -> None:
        """One selection at a time, so that it is clear what is copied."""
        if _has(pane):
            for other in self.panes():
                if other is not pane and _has(other):
                    cursor = other.textCursor()
                    cursor.clearSelection()
                    other.setTextCursor(cursor)

    def _on_theme(self) -> None:
        self._ink = Ink(self._theme, self.font(), is_muted=self._is_muted)
        for cell in self._cells:
            cell.repaint_in(self._ink)

    # Qt's side

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_lazy:
            QTimer.singleShot(0, self, self._show)


class Cell(QWidget):
    """One pane at its place: set in by lists, with the bars of quotes."""

    def __init__(self, ink: Ink, leaf: Leaf, first: int) -> None:
        super().__init__()
        self.first = first  # index of its first leaf
        self._ink = ink
        self._place = "" if isinstance(leaf, Line) else leaf.place
        # A pane has a border of its own; the frame around code is to stand where text does.
        self._left = round(ink.indent(self._place)) + (BORDER_PX if isinstance(leaf, Code) else 0)
        if isinstance(leaf, Line):
            self.body: ProsePane | TablePane | CodeBlock = ProsePane(ink, is_first=first == 0)
        else:
            self.body = CodeBlock(ink) if isinstance(leaf, Code) else TablePane(ink)
        self.pane: TextPane = self.body.pane if isinstance(self.body, CodeBlock) else self.body
        column = QVBoxLayout(self)
        column.setContentsMargins(self._left, 0, 0, 0)
        column.addWidget(self.body)

    def takes(self, group: Sequence[Leaf]) -> bool:
        leaf = group[0]
        if isinstance(leaf, Line):
            return isinstance(self.body, ProsePane)
        kind = CodeBlock if isinstance(leaf, Code) else TablePane
        return isinstance(self.body, kind) and leaf.place == self._place

    def show_group(self, group: Sequence[Leaf], same: int) -> None:
        leaf = group[0]
        if isinstance(self.body, ProsePane):
            self.body.show_lines([line for line in group if isinstance(line, Line)], same)
        elif isinstance(self.body, CodeBlock) and isinstance(leaf, Code):
            self.body.show_code(leaf)
        elif isinstance(self.body, TablePane) and isinstance(leaf, Table):
            self.body.show_table(leaf)

    def set_name(self, name: str) -> None:
        if not isinstance(self.body, CodeBlock):
            self.pane.setAccessibleName(name)

    def fit_to(self, width: int) -> None:
        self.pane.fit_to(width - self._left)

    def repaint_in(self, ink: Ink) -> None:
        self._ink = ink
        self.body.repaint_in(ink)

    # Qt's side

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for _, left in self._ink.bars(self._place):
            painter.fillRect(bar_rect(BORDER_PX + left, 0, self.height()), self._ink.color("line"))


def _groups(leaves: Sequence[Leaf]) -> Iterator[list[Leaf]]:
    """Lines that follow each other are one group; anything else is one by itself."""
    lines: list[Leaf] = []
    for leaf in leaves:
        if isinstance(leaf, Line):
            lines.append(leaf)
            continue
        if lines:
            yield lines
            lines = []
        yield [leaf]
    if lines:
        yield lines


def _has(pane: TextPane) -> bool:
    return pane.textCursor().hasSelection()
