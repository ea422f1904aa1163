"""A table as a document of its own, to scroll sideways where it has many columns."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QResizeEvent,
    QTextBlockFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextTable,
    QTextTableCell,
    QTextTableCellFormat,
    QTextTableFormat,
    QWheelEvent,
)
from PySide6.QtWidgets import QTextEdit, QWidget

from ui.markdown.ink import Ink
from ui.markdown.leaves import Line, Run, Runs, Style, Table, same_count
from ui.markdown.links import LinkPane
from ui.markdown.writing import insert_line
from ui.widgets.text_pane import BORDER_PX

_NARROWEST = 6  # of a column, in sizes of the text
_PADDING_X, _PADDING_Y = 0.55, 0.3
_ALIGNS = {"right": Qt.AlignmentFlag.AlignRight, "center": Qt.AlignmentFlag.AlignHCenter}


class TablePane(LinkPane):
    """Rows that stay the same are not touched when others change or come."""

    def __init__(self, ink: Ink, parent: QWidget | None = None) -> None:
        super().__init__(ink, parent)
        self._table: Table | None = None
        self._grid: QTextTable | None = None
        self.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)

    def show_table(self, table: Table) -> None:
        before, self._table = self._table, table
        if before == table:
            return
        with self.keeping_caret() as cursor:
            self._change(cursor, before, table)
        self.fit_to(self.width())

    def _change(self, cursor: QTextCursor, before: Table | None, table: Table) -> None:
        if before is None or self._grid is None or before.aligns != table.aligns:
            cursor.select(QTextCursor.SelectionType.Document)
            cursor.removeSelectedText()
            self._grid = cursor.insertTable(len(table.rows), len(table.aligns), self._format())
            self._fill(self._grid, table, 0)
        else:
            self._fit_rows(self._grid, len(table.rows))
            self._fill(self._grid, table, same_count(before.rows, table.rows))

    def repaint_in(self, ink: Ink) -> None:
        self._ink = ink
        table, self._table = self._table, None
        if table is not None:
            self.show_table(table)

    def fit_to(self, width: int) -> None:
        if self._table is not None:
            least = round(len(self._table.aligns) * _NARROWEST * self._ink.em)
            wanted = max(width - 2 * BORDER_PX, least)
            if wanted != self.lineWrapColumnOrWidth():  # setting it lays everything out
                self.setLineWrapColumnOrWidth(wanted)
        self._fit()

    def _fit_rows(self, grid: QTextTable, count: int) -> None:
        if grid.rows() < count:
            grid.appendRows(count - grid.rows())
        elif grid.rows() > count:
            grid.removeRows(count, grid.rows() - count)

    def _fill(self, grid: QTextTable, table: Table, start: int) -> None:
        for row in range(start, len(table.rows)):
            for column, runs in enumerate(table.rows[row]):
                cell = grid.cellAt(row, column)
                self._dress(cell, is_head=row == 0)
                self._write(cell, runs, table.aligns[column], is_head=row == 0)

    def _write(self, cell: QTextTableCell, runs: Runs, align: str, *, is_head: bool) -> None:
        cursor = cell.firstCursorPosition()
        cursor.setPosition(cell.lastCursorPosition().position(), QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        block_format = QTextBlockFormat()
        block_format.setAlignment(_ALIGNS.get(align, Qt.AlignmentFlag.AlignLeft))
        cursor.setBlockFormat(block_format)
        if is_head:
            runs = tuple(Run(run.text, run.style | Style.BOLD, run.link) for run in runs)
        insert_line(cursor, Line(runs), self._ink)

    def _dress(self, cell: QTextTableCell, *, is_head: bool) -> None:
        made = QTextTableCellFormat()
        made.setLeftPadding(0 if cell.column() == 0 else _PADDING_X * self._ink.em)
        made.setRightPadding(_PADDING_X * self._ink.em)
        made.setTopPadding(_PADDING_Y * self._ink.em)
        made.setBottomPadding(_PADDING_Y * self._ink.em)
        made.setBottomBorder(1)
        made.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        made.setBottomBorderBrush(self._ink.color("edge" if is_head else "line"))
        cell.setFormat(made)

    def _format(self) -> QTextTableFormat:
        made = QTextTableFormat()
        made.setBorder(0)
        made.setCellSpacing(0)
        made.setBorderCollapse(True)
        made.setHeaderRowCount(1)
        return made

    def _extra_height(self) -> int:
        bar = self.horizontalScrollBar()
        is_wider = self.document().size().width() > self.viewport().width() + 1
        return bar.sizeHint().height() if is_wider else 0

    # Qt's side

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.fit_to(event.size().width() + 2 * BORDER_PX)
        super().resizeEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        scroll_sideways(self, event)


def scroll_sideways(pane: QTextEdit, event: QWheelEvent) -> None:
    """Takes what goes to the side; the rest is for what is around."""
    if abs(event.angleDelta().x()) > abs(event.angleDelta().y()):
        bar = pane.horizontalScrollBar()
        bar.setValue(bar.value() - event.angleDelta().x())
        event.accept()
    else:
        event.ignore()
