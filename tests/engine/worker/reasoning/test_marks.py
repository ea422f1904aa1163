from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.worker.reasoning.formats import FORMATS, HARMONY, THINK
from app.engine.worker.reasoning.marks import Marks
from tests.engine.worker.reasoning.outputs import HARMONY_TOKENS
from tests.engine.worker.reasoning.tagwords import TagWords


def test_tags_that_are_tokens_have_marks():
    words = TagWords("<think>", "</think>")
    marks = Marks(words, FORMATS)
    assert list(marks.of_token) == words.ids
    assert marks.marked("<think>\n") == f"{marks.of_token[words.ids[0]]}\n"
    assert marks.spelled(marks.marked("<think>a</think>")) == "<think>a</think>"


def test_tags_that_are_no_tokens_have_none():
    marks = Marks(TagWords(), FORMATS)
    assert marks.of_token == {}
    assert marks.marked("<think>") == marks.shown("<think>") == "<think>"


def test_a_tag_of_several_tokens_has_several_marks():
    words = TagWords(*HARMONY_TOKENS)
    marks = Marks(words, (HARMONY,))
    assert len(marks.marked(HARMONY.open)) == 2 + len("analysis")
    assert set(marks.of_token) == set(words.ids)


@pytest.mark.parametrize(("is_control", "shown"), [(True, "a"), (False, "<think>a")])
def test_people_never_see_control_tokens(is_control, shown):
    marks = Marks(TagWords("<think>", is_control=is_control), (THINK,))
    assert marks.shown(marks.marked("<think>a")) == shown


@given(st.text())
def test_no_text_holds_a_mark(text):
    decoded = text.encode("utf-8", "replace").decode()
    assert Marks(TagWords("<think>"), (THINK,)).shown(decoded) == decoded
