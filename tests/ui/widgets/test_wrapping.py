"""Lines break where they can, also in a text that has no place to break."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QTextOption

from ui.widgets.text_pane import TextPane
from ui.widgets.wrapping import LONGEST_RUN, run_after, wrap_mode

ANYWHERE = QTextOption.WrapMode.WrapAnywhere


def test_only_a_long_run_is_broken_anywhere():
    assert wrap_mode("word " * LONGEST_RUN) != ANYWHERE
    assert wrap_mode("x" * (LONGEST_RUN - 1)) != ANYWHERE
    assert wrap_mode("word " * 9 + "x" * LONGEST_RUN) == ANYWHERE


@given(st.lists(st.text(alphabet="ab \n\u3000", max_size=8)))
def test_a_run_is_counted_across_pieces(pieces):
    run = 0
    for piece in pieces:
        run = run_after(run, piece)
    text = "".join(pieces)
    assert run == len(text) - max((place + 1 for place, c in enumerate(text) if c.isspace()), default=0)


def test_a_run_that_streams_is_noticed(qapp, show):
    pane = TextPane()
    show(pane)
    pane.set_text("So: ")
    for _ in range(LONGEST_RUN // 100 + 1):
        pane.append_text("a" * 100)
    assert pane.wordWrapMode() == ANYWHERE
    assert pane.text() == "So: " + "a" * 100 * (LONGEST_RUN // 100 + 1)
