"""All formats, cut at every place, with tags as tokens and as text."""

from __future__ import annotations

import pytest

from app.engine.worker.reasoning.formats import FORMATS, HARMONY, THINK
from app.engine.worker.reasoning.marks import Marks
from app.engine.worker.reasoning.reader import splitter_for
from app.engine.worker.reasoning.splitter import State
from tests.engine.worker.reasoning.outputs import CASES, Case, cuts, marks_of, split
from tests.engine.worker.reasoning.tagwords import TagWords


@pytest.mark.parametrize("by_token", [True, False], ids=["tokens", "text"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_format_at_every_cut(case: Case, by_token: bool) -> None:
    check(case, 60, by_token=by_token)


@pytest.mark.slow
@pytest.mark.parametrize("by_token", [True, False], ids=["tokens", "text"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_format_at_many_more(case: Case, by_token: bool) -> None:
    check(case, 4000, by_token=by_token)


def check(case: Case, count: int, *, by_token: bool) -> None:
    marks = marks_of(case, by_token=by_token)
    output = marks.marked(case.output)
    for pieces in cuts(output, count):
        assert split(case, pieces, marks) == (case.content, case.reasoning), pieces


@pytest.mark.parametrize("case", [case for case in CASES if case.tokens], ids=lambda case: case.name)
def test_text_that_spells_a_tag_is_none_where_tags_are_tokens(case: Case) -> None:
    marks = marks_of(case, by_token=True)
    spelled = f"{case.tags.open} and {case.tags.close}"
    assert split(case, [*spelled], marks) == (("", spelled) if case.opens else (spelled, ""))
    close = marks.marked(case.tags.close) + marks.marked(case.tags.answer_open)
    inside = [marks.marked(case.tags.open), f"a{case.tags.close}b", close, "c"]
    if not case.opens:
        assert split(case, inside, marks) == ("c", f"a{case.tags.close}b")


@pytest.mark.parametrize("is_control", [True, False])
def test_tags_in_an_answer_are_shown_unless_they_are_control_tokens(is_control: bool) -> None:
    marks = Marks(TagWords("<think>", "</think>", is_control=is_control), (THINK,))
    splitter = splitter_for((THINK,), marks)
    content = "".join(splitter.feed(piece)[0] for piece in (f"Write {marks.marked('<think>')}", " so"))
    assert marks.shown(content) == ("Write  so" if is_control else "Write <think> so")


def test_what_could_be_closed_is_known() -> None:
    marks = Marks(TagWords(), FORMATS)
    block, channels = splitter_for((THINK,), marks), splitter_for((HARMONY,), marks)
    seen = []
    for piece in ("<think>", "a", "</think>", "b"):
        block.feed(piece)
        seen.append((block.is_thinking, block.open_tags))
    assert seen == [(True, THINK), (True, THINK), (False, None), (False, None)]
    seen = []
    for piece in ("<|channel|>analysis", "<|message|>a", "<|end|>", "<|channel|>final<|message|>", "b"):
        channels.feed(piece)
        seen.append((channels.is_thinking, channels.open_tags))
    assert seen == [(True, None), (True, HARMONY), (True, None), (False, None), (False, None)]


def test_an_answer_that_goes_on_is_answer() -> None:
    marks = Marks(TagWords(), FORMATS)
    for tags in (THINK, HARMONY):
        splitter = splitter_for((tags,), marks, State.ANSWER, tags)
        assert not splitter.is_thinking
        assert splitter.feed(" is 4.") == (" is 4.", "")


def test_a_model_without_reasoning_is_left_alone() -> None:
    splitter = splitter_for((), Marks(TagWords(), ()))
    assert splitter.feed("<think>a</think>b") == ("<think>a</think>b", "")
    assert splitter.finish() == ("", "")
    assert (splitter.is_thinking, splitter.open_tags) == (False, None)
