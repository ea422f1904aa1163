"""A button breaks its words where it is too narrow, and is high enough for all of them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.widgets.buttons import WrappingButton, push_button

WORDS = "What is the capital of France, and what is it known for?"


@pytest.fixture
def button(theme, show):
    inner = QWidget()
    inner.setFixedSize(220, 400)
    button = push_button(WORDS, "suggestion", wraps=True)
    column = QVBoxLayout(inner)
    column.addWidget(button)
    column.addStretch(1)
    show(inner)
    return button


def test_one_line_where_there_is_room(button):
    width = button.sizeHint().width()
    assert button.lines(width) == [WORDS]
    assert button.heightForWidth(width) == button.sizeHint().height()


def test_a_column_makes_it_high_enough(button):
    assert len(button.lines(button.width())) > 1
    assert button.height() == button.heightForWidth(button.width()) > button.sizeHint().height()
    assert button.text() == WORDS
    assert button.grab().width() == button.width()


@given(st.text(max_size=80), st.integers(0, 700))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_no_word_is_lost(theme, text, width):
    lines = WrappingButton(text).lines(width)
    assert " ".join(lines).split() == text.split()
