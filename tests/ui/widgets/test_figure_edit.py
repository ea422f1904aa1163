"""A number is read as it was meant, whichever sign stands before its decimals."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QLocale, Qt

from ui.widgets.figure_edit import FigureEdit


@pytest.fixture(params=["en_US", "vi_VN", "de_CH"])
def figure(request, theme, show):
    figure = FigureEdit(0, 5, 0.05, decimals=2, absent="none")
    figure.setLocale(QLocale(request.param))
    return show(figure)


@pytest.mark.parametrize("typed", ["0.5", "0,5", ".5", ",5"])
def test_both_signs_are_the_decimal_point(figure, qtbot, typed):
    figure.selectAll()
    qtbot.keyClicks(figure, typed)
    qtbot.keyClick(figure, Qt.Key.Key_Return)
    assert figure.figure == 0.5
    assert figure.text() == f"0{figure.locale().decimalPoint()}50"


def test_the_least_is_no_figure(figure, qtbot):
    figure.set_figure(0.5)
    figure.selectAll()
    qtbot.keyClicks(figure, "0")
    qtbot.keyClick(figure, Qt.Key.Key_Return)
    assert figure.text() == "none"
    assert figure.figure is None
