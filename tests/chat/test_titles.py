from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.chat.titles import LIMIT, title_from


def test_the_first_line_with_words() -> None:
    assert title_from("\n\n  Tại sao   bầu trời màu xanh?\nsecond") == "Tại sao bầu trời màu xanh?"
    assert title_from("   \n") == ""


def test_a_long_line_ends_at_a_word() -> None:
    title = title_from("word " * 40)
    assert title.endswith("word…")
    assert len(title) <= LIMIT


@given(st.text())
def test_any_text_gives_one_short_line(text: str) -> None:
    title = title_from(text)
    assert len(title) <= LIMIT
    assert len(title.splitlines()) <= 1
