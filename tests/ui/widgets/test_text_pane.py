"""The first line of a text is whole in every font, its capitals with two marks too."""

from __future__ import annotations

import math

import pytest
from PySide6.QtGui import QFont, QFontMetricsF

from ui.widgets import text_pane
from ui.widgets.text_pane import TextPane, headroom

ROOM_PX = 7


@pytest.fixture
def pane(monkeypatch, theme, show):
    monkeypatch.setattr(text_pane, "headroom", lambda font: ROOM_PX if font.pointSize() > 10 else 2)
    pane = TextPane()
    font = QFont(pane.font())
    font.setPointSize(12)
    pane.setFont(font)
    return show(pane)


def first_line(pane):
    return pane.document().documentLayout().blockBoundingRect(pane.document().firstBlock()).top()


def test_there_is_room_above_the_first_line_whatever_is_done_to_the_text(pane):
    pane.append_text("Ủ bột")
    assert first_line(pane) == ROOM_PX
    pane.set_text("Ẩn")
    assert first_line(pane) == ROOM_PX
    pane.clear()
    pane.append_text("Ổ đĩa\nỔ đĩa")
    assert first_line(pane) == ROOM_PX
    assert pane.height() >= pane.document().size().height() >= ROOM_PX + 2 * pane.fontMetrics().height()


def test_another_font_has_other_room(pane):
    font = QFont(pane.font())
    font.setPointSize(9)
    pane.setFont(font)
    pane.append_text("Ủ bột")
    assert first_line(pane) == 2


@pytest.mark.parametrize("family", ["DejaVu Sans", "Noto Sans", "monospace"])
@pytest.mark.parametrize("size", [8, 11, 22])
def test_marks_have_room_in_any_font(qapp, family, size):
    """A family that is not installed is another one that is."""
    font = QFont(family)
    font.setPointSize(size)
    metrics = QFontMetricsF(font)
    for letter in "ẪỔỦỨẢ":
        assert headroom(font) + math.ceil(metrics.ascent()) >= -metrics.tightBoundingRect(letter).top()
