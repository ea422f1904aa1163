from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.worker.reasoning.limits import (
    ANSWER_TOKENS,
    GRAM_TIMES,
    GRAM_TOKENS,
    LoopGuard,
    ThoughtLimit,
    budget_for,
)


@pytest.mark.parametrize(
    ("wished", "free", "budget"),
    [
        (None, 8000, 4000),
        (500, 8000, 500),
        (7900, 8000, 8000 - ANSWER_TOKENS),
        (None, 1600, 576),
        (None, 800, 200),
        (0, 8000, 0),
    ],
)
def test_the_budget_leaves_room_for_an_answer(wished, free, budget):
    assert budget_for(wished, free) == budget


@given(st.one_of(st.none(), st.integers(0, 10**6)), st.integers(1, 10**6))
def test_the_budget_is_never_more_than_fits(wished, free):
    budget = budget_for(wished, free)
    assert 0 <= budget <= free - min(ANSWER_TOKENS, free // 2)
    assert wished is None or budget <= wished


def test_a_limit_waits_for_a_whole_character_but_not_for_ever():
    limit = ThoughtLimit(2)
    limit.note(1)
    assert not limit.is_reached(is_whole=True)
    limit.note(2)
    assert limit.is_reached(is_whole=True)
    answers = [limit.is_reached(is_whole=False) for _ in range(10)]
    assert answers[0] is False
    assert answers[-1] is True


def test_a_person_may_be_in_a_hurry():
    limit = ThoughtLimit(1000)
    limit.hurry()
    assert limit.is_reached(is_whole=True)


def told_at(tokens: list[int]) -> list[int]:
    guard = LoopGuard()
    return [index for index, token in enumerate(tokens) if guard.note(token)]


@pytest.mark.parametrize("length", [1, 3, GRAM_TOKENS, 100, 500])
def test_circles_are_told_once(length):
    circle = random.Random(length).choices(range(50_000), k=length)
    before = random.Random(0).choices(range(50_000), k=300)
    found = told_at([*before, *circle * 400])
    assert len(found) == 1
    assert found[0] < 300 + GRAM_TOKENS + GRAM_TIMES * max(length, 1)


def test_thoughts_that_only_resemble_each_other_are_no_circle():
    draw = random.Random(1)
    phrases = [draw.choices(range(1000), k=GRAM_TOKENS - 2) for _ in range(4)]
    tokens = [token for _ in range(50) for token in [*draw.choice(phrases), *draw.choices(range(9999), k=2)]]
    assert told_at(tokens) == []


def test_hashes_follow_the_window():
    """The same run after other beginnings is the same run."""
    gram = list(range(GRAM_TOKENS))
    tokens = [token for start in range(GRAM_TIMES) for token in [900 + start, *gram]]
    assert len(told_at(tokens)) == 1
    assert told_at(tokens[: -GRAM_TOKENS - 1]) == []
