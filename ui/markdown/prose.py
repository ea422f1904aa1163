"""Lines of text as one document: what stays the same is not touched when lines change or come."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QPainter, QPaintEvent, QTextBlock, QTextCursor
from PySide6.QtWidgets import QWidget

from ui.markdown.ink import Ink, bar_rect
from ui.markdown.leaves import QUOTE, Line, Run, same_count
from ui.markdown.links import LinkPane
from ui.markdown.writing import common_runs, insert_line, shown_runs
from ui.widgets.wrapping import wrap_mode


class ProsePane(LinkPane):
    """Block n of the document is line n."""

    def __init__(self, ink: Ink, *, is_first: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(ink, parent)
        self._is_first = is_first  # on its page
        self._lines: list[Line] = []

    @property
    def lines(self) -> Sequence[Line]:
        return self._lines

    def show_lines(self, lines: Sequence[Line], same: int = 0) -> None:
        """Shows lines of which the first `same` are known to be those that are shown."""
        start = same_count(self._lines, lines, min(same, len(self._lines), len(lines)))
        if start == len(self._lines) == len(lines):
            return
        longest = max((line.text for line in lines[start:]), key=len, default="")
        if wrap_mode(longest) is not wrap_mode(""):
            self.setWordWrapMode(wrap_mode(longest))
        with self.keeping_caret() as cursor:
            self._write(cursor, lines, start)
        self._lines[start:] = lines[start:]

    def repaint_in(self, ink: Ink) -> None:
        """Writes everything anew."""
        self._ink = ink
        lines, self._lines = self._lines, []
        self.clear()
        self.show_lines(lines)

    def _write(self, cursor: QTextCursor, lines: Sequence[Line], start: int) -> None:
        kept = self._kept(lines, start)
        self._cut(cursor, start, kept)
        for index, line in enumerate(lines[start:], start):
            if index > start or kept is None:
                self._begin(cursor, line, lines[index - 1] if index else None)
            insert_line(cursor, line, self._ink, kept or 0 if index == start else 0)

    def _kept(self, lines: Sequence[Line], start: int) -> int | None:
        """Returns how much of the first line that differs can stay; None: not even its place."""
        if start >= len(self._lines) or start >= len(lines):
            return None
        old, new = self._lines[start], lines[start]
        if (old.place, old.marker, old.level, old.is_rule) != (new.place, new.marker, new.level, new.is_rule):
            return None
        return common_runs(shown_runs(old), shown_runs(new))

    def _cut(self, cursor: QTextCursor, index: int, kept: int | None) -> None:
        """Removes all from `kept` into the line at `index`; the break before it too when nothing is."""
        if index < len(self._lines):
            begin = self.document().findBlockByNumber(index).position()
            cursor.setPosition(max(0, begin - 1) if kept is None else begin + kept)
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
        else:
            cursor.movePosition(QTextCursor.MoveOperation.End)

    def _begin(self, cursor: QTextCursor, line: Line, before: Line | None) -> None:
        block_format = self._ink.block_format(line, before, is_first=self._is_first and before is None)
        char_format = self._ink.char_format(Run(""), line)
        if before is None:
            cursor.setBlockFormat(block_format)
            cursor.setBlockCharFormat(char_format)
        else:
            cursor.insertBlock(block_format, char_format)

    # Qt's side

    def paintEvent(self, event: QPaintEvent) -> None:
        if any(line.is_rule or QUOTE in line.place for line in self._lines):
            self._paint_marks(event.rect())
        super().paintEvent(event)

    def _paint_marks(self, part: QRect) -> None:
        """Rules and the bars of quotes."""
        layout = self.document().documentLayout()
        painter = QPainter(self.viewport())
        block = self.cursorForPosition(part.topLeft()).block()
        while block.isValid() and block.blockNumber() < len(self._lines):
            rect = layout.blockBoundingRect(block)
            if rect.top() > part.bottom():
                break
            line = self._lines[block.blockNumber()]
            if line.is_rule:
                left = self._ink.indent(line.place)
                painter.fillRect(
                    QRectF(left, round(rect.center().y()), self.width(), 1), self._ink.color("line")
                )
            for place, left in self._ink.bars(line.place):
                bar = bar_rect(left, self._bar_top(block, place, rect.top()), rect.bottom())
                painter.fillRect(bar, self._ink.color("line"))
            block = block.next()

    def _bar_top(self, block: QTextBlock, place: str, top: float) -> float:
        """Returns where a bar begins: without a gap when the line above is in the same quote."""
        number = block.blockNumber()
        if number == 0 or not self._lines[number - 1].place.startswith(place):
            return top
        return self.document().documentLayout().blockBoundingRect(block.previous()).bottom()
