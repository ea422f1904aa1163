"""How leaves look: the formats of lines and runs, from the theme's tokens and the transcript's font."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontInfo,
    QFontMetricsF,
    QTextBlockFormat,
    QTextCharFormat,
    QTextOption,
)

from ui.markdown.leaves import LIST, QUOTE, Line, Run, Style
from ui.theme import Theme

MARKER_GAP = "\t"
BAR_PX = 3.0
_LINE_HEIGHT = 120  # per cent
_HEADINGS = {1: 1.4, 2: 1.22, 3: 1.08}  # of the text's size; the others are as large as it
_CODE_SIZE = 0.92
# Above a line, in parts of the text's size.
_ABOVE_PARAGRAPH, _ABOVE_ITEM, _ABOVE_HEADING, _ABOVE_AFTER_HEADING = 0.7, 0.3, 1.2, 0.45
PANE_GAP = 0.75  # between text, code and tables
_STEPS = {LIST: 1.75, QUOTE: 1.1}
_STRENGTHS = {True: QFont.Weight.DemiBold, False: QFont.Weight.Normal}


class Ink:
    """Formats for one font and the theme in force. Made anew when either changes."""

    def __init__(self, theme: Theme, font: QFont, *, is_muted: bool = False) -> None:
        self.theme = theme
        self.font = font
        self.is_muted = is_muted
        self.em = float(QFontInfo(font).pixelSize())
        self.code_font = code_font(font)
        self._formats: dict[tuple[Style, bool, int, bool], QTextCharFormat] = {}

    def color(self, token: str) -> QColor:
        return self.theme.color(token)

    def indent(self, place: str) -> float:
        return self.em * sum(_STEPS[step] for step in place)

    def bars(self, place: str) -> list[tuple[str, float]]:
        """Returns the quotes around a place, each with where its bar stands."""
        steps = enumerate(place)
        return [(place[: index + 1], self.indent(place[:index])) for index, step in steps if step == QUOTE]

    def block_format(self, line: Line, before: Line | None, *, is_first: bool) -> QTextBlockFormat:
        """`before`: the line above in the same pane; `is_first`: nothing at all is above."""
        made = QTextBlockFormat()
        made.setLeftMargin(self.indent(line.place))
        made.setTopMargin(0 if is_first else round(self._above(line, before)))
        made.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        if line.level:
            made.setHeadingLevel(line.level)
        if line.marker:
            hang = self._hang(line.marker)
            made.setTextIndent(-hang)
            made.setTabPositions([QTextOption.Tab(hang, QTextOption.TabType.LeftTab)])
        return made

    def char_format(self, run: Run, line: Line) -> QTextCharFormat:
        """Links get theirs added: there is one for each target."""
        key = (run.style, bool(run.link), line.level, QUOTE in line.place)
        if key not in self._formats:
            self._formats[key] = self._made(*key)
        if not run.link:
            return self._formats[key]
        made = QTextCharFormat(self._formats[key])
        made.setAnchor(True)
        made.setAnchorHref(run.link)
        made.setToolTip(run.link)  # its text may say something else
        return made

    def marker_format(self) -> QTextCharFormat:
        made = QTextCharFormat()
        made.setFont(self.font)
        made.setForeground(self.color("muted"))
        return made

    def _made(self, style: Style, is_link: bool, level: int, is_quoted: bool) -> QTextCharFormat:
        made = QTextCharFormat()
        font = QFont(self.code_font if style & Style.CODE else self.font)
        font.setPointSizeF(font.pointSizeF() * _HEADINGS.get(level, 1.0))
        font.setWeight(_STRENGTHS[bool(level or style & Style.BOLD)])
        font.setItalic(bool(style & Style.ITALIC))
        font.setStrikeOut(bool(style & Style.STRIKE))
        made.setFont(font)
        if style & Style.CODE:
            made.setBackground(self.color("code"))
        if style & Style.IMAGE or (is_quoted and not is_link):
            made.setForeground(self.color("muted"))
        elif is_link:
            made.setForeground(self.color("accent"))
            made.setFontUnderline(True)
        return made

    def _above(self, line: Line, before: Line | None) -> float:
        if before is None:
            return self.em * (_ABOVE_HEADING - PANE_GAP) if line.level else 0
        if line.level:
            return self.em * _ABOVE_HEADING
        if before.level:
            return self.em * _ABOVE_AFTER_HEADING
        is_another_list = (
            before.place == line.place and before.marker[:1].isdigit() != line.marker[:1].isdigit()
        )
        if line.marker and LIST in before.place and not is_another_list:
            return self.em * _ABOVE_ITEM
        return self.em * _ABOVE_PARAGRAPH

    def _hang(self, marker: str) -> float:
        """Returns how far a marker stands before the text of its item; long numbers need more than a step."""
        needed = QFontMetricsF(self.font).horizontalAdvance(marker) + 0.3 * self.em
        return max(needed, 1.25 * self.em)


def code_font(font: QFont) -> QFont:
    """Returns the system's monospace font, in a size that goes with `font`, and `font` for what it lacks."""
    fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    made = QFont(font)
    made.setFamilies([*fixed.families(), *font.families()])
    made.setStyleHint(QFont.StyleHint.Monospace)
    made.setFixedPitch(True)
    made.setPointSizeF(font.pointSizeF() * _CODE_SIZE)
    return made


def bar_rect(left: float, top: float, bottom: float) -> QRectF:
    return QRectF(QPointF(left, top), QPointF(left + BAR_PX, bottom))
