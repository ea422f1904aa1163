"""Tab goes as one reads, whatever was made when."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ui.widgets.tabbing import next_part, step_focus, tab_stops


@pytest.fixture
def page(show):
    """A page with something of everything, made from the bottom up."""
    late, inner, second, first = QPushButton("late"), QSpinBox(), QPushButton("second"), QPushButton("first")
    hidden, off = QPushButton("hidden"), QPushButton("off")
    hidden.hide()
    off.setEnabled(False)
    body = QWidget()
    column = QVBoxLayout(body)
    for number in range(40):
        column.addWidget(QLabel(f"line {number}"))
    column.addWidget(late)
    scroll = QScrollArea()
    scroll.setFocusPolicy(scroll.focusPolicy().NoFocus)
    scroll.setWidget(body)
    pages = QStackedWidget()
    pages.addWidget(QPushButton("on the other page"))
    pages.addWidget(scroll)
    pages.setCurrentIndex(1)
    top = QWidget()
    row = QHBoxLayout(top)
    nested = QHBoxLayout()
    nested.addWidget(first)
    row.addLayout(nested)
    for each in (hidden, off, second):
        row.addWidget(each)
    splitter = QSplitter()
    for each in (top, inner, pages):
        splitter.addWidget(each)
    splitter.resize(400, 120)
    show(splitter)
    splitter.activateWindow()
    return splitter, [first, second, inner, late], scroll


def test_the_stops_are_in_reading_order(page):
    splitter, order, _ = page
    assert tab_stops(splitter) == order


def test_it_goes_around_both_ways_and_shows_where_it_is(page):
    splitter, order, scroll = page
    order[0].setFocus()
    for wanted in (*order[1:], order[0]):
        assert step_focus(splitter, forward=True)
        assert wanted.isAncestorOf(splitter.focusWidget()) or splitter.focusWidget() is wanted
    step_focus(splitter, forward=False)
    assert splitter.focusWidget() is order[-1]
    bar = scroll.verticalScrollBar()
    assert bar.value() > bar.maximum() // 2


def test_without_the_focus_anywhere_it_begins_at_the_end_it_comes_from(page):
    splitter, order, _ = page
    for is_forward, wanted in ((True, order[0]), (False, order[-1])):
        focused = splitter.focusWidget()
        if focused is not None:
            focused.clearFocus()
        step_focus(splitter, forward=is_forward)
        assert splitter.focusWidget() is wanted


def test_nothing_to_go_to(show):
    assert not step_focus(show(QWidget()), forward=True)


def test_parts_without_anything_to_focus_are_passed_over(page):
    splitter, order, _ = page
    top, spin, pages = (splitter.widget(place) for place in range(3))
    parts = [top, QWidget(), pages]
    assert next_part(parts, order[0], 1) is pages
    assert next_part(parts, order[3], 1) is top
    assert next_part(parts, order[0], -1) is pages
    assert next_part(parts, None, 0) is top
    assert spin.isVisible()
