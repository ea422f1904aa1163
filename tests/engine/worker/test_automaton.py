from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.worker import gbnf
from app.engine.worker.automaton import DEAD, Automaton
from app.errors import KnownError
from tests.engine.worker.test_gbnf import JSON


def automaton(text: str) -> Automaton:
    return Automaton(gbnf.read(text, lambda _: None))


def fits(grammar: Automaton, text: str) -> bool:
    return grammar.is_complete(grammar.walk(grammar.start, text))


def test_json() -> None:
    grammar = automaton(JSON)
    assert fits(grammar, '{"a": [1, 2.5e3, {"b": "x\\u00e9y"}], "c": null}')
    for wrong in ('{"a" 1}', "[1]", '{"a": 1', '{"a": 01}', '{"a": "\n"}'):
        assert not fits(grammar, wrong)


# A pattern as (GBNF, regular expression); both mean the same.
letters = st.sampled_from("abé")
leaves = st.one_of(
    letters.map(lambda letter: (f'"{letter}"', letter)),
    st.just(("[a-b]", "[a-b]")),
    st.just(("[^a]", "[^a]")),
    st.just(("[é\\x61]", "[éa]")),
    st.just((".", "(?s:.)")),
    st.just(('""', "(?:)")),
)


def combined(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    counts = st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "{1,3}"])
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(
            lambda each: (" ".join(g for g, _ in each), "".join(r for _, r in each))
        ),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda each: (
                "(" + "|".join(g for g, _ in each) + ")",
                "(?:" + "|".join(r for _, r in each) + ")",
            )
        ),
        st.tuples(inner, counts).map(lambda each: (f"({each[0][0]}){each[1]}", f"(?:{each[0][1]}){each[1]}")),
    )


@settings(max_examples=60, deadline=None)
@given(st.recursive(leaves, combined, max_leaves=6), st.lists(st.text("abéc", max_size=6), max_size=8))
def test_follows_what_a_regular_expression_matches(pattern: tuple[str, str], texts: list[str]) -> None:
    grammar = automaton(f"root ::= {pattern[0]}")
    for text in texts:
        assert fits(grammar, text) == bool(re.fullmatch(pattern[1], text)), pattern


def test_recursion_counts() -> None:
    grammar = automaton('root ::= "(" root ")" | "x"')
    assert fits(grammar, "(((x)))")
    assert not fits(grammar, "(((x))")
    assert grammar.walk(grammar.start, "((x)))") == DEAD


def test_a_loop_over_nothing_ends() -> None:
    grammar = automaton('root ::= ("a"* | "b"?)* "c"')
    assert fits(grammar, "aabbac")


def test_numbered_tokens() -> None:
    grammar = automaton('root ::= "a" <[5]> !<[6]>')
    state = grammar.walk(grammar.start, "a")
    assert grammar.step_token(state, 4) == DEAD
    state = grammar.step_token(state, 5)
    assert grammar.step_token(state, 6) == DEAD
    assert grammar.is_complete(grammar.step_token(state, 9))
    assert grammar.walk(state, "x") == DEAD


def test_literally_is_only_what_is_spelled_out() -> None:
    grammar = automaton('root ::= "<a>" | [<b>]+')
    assert grammar.walk(grammar.start, "<a>", literally=True) != DEAD
    assert grammar.walk(grammar.start, "<b>", literally=True) == DEAD
    assert grammar.walk(grammar.start, "<b>") != DEAD


def test_what_may_begin() -> None:
    grammar = automaton("root ::= [a-f] | [x]")
    assert grammar.may_begin(grammar.start, ord("f"), ord("g"))
    assert grammar.may_begin(grammar.start, ord("g"), ord("x"))
    assert not grammar.may_begin(grammar.start, ord("g"), ord("w"))


def follow(text: str, count: int) -> None:
    grammar = automaton(text)
    state = grammar.start
    for _ in range(count):
        state = grammar.step(state, "a")


@pytest.mark.parametrize(
    "text",
    [
        "root ::= " + " ".join(["(.|a|b)*"] * 3000) + "\na ::= .\nb ::= .",
        'root ::= ( "a" root "b" | "a" root "c" | "a" root "d" | "a" )',
    ],
)
def test_too_many_ways_are_refused_in_time(text: str) -> None:
    with pytest.raises(KnownError, match="bad-request"):
        follow(text, 5000)


def test_many_ways_that_come_to_the_same_are_one() -> None:
    follow("root ::= a{2000}\na ::= " + "|".join(["."] * 40), 2000)
