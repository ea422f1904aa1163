from __future__ import annotations

import itertools
import random

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.generation import Trigger
from app.engine.worker.grammar import Constraint, code_range, cut_character
from app.errors import KnownError
from tests.engine.worker.natively import applied
from tests.engine.worker.test_gbnf import JSON
from tests.engine.worker.test_pieces import Words

END, MARK = 0, 1


def all_allowed(constraint: Constraint, words: Words) -> list[int]:
    return [token for token in range(words.size) if constraint.allows(token)]


def test_a_broken_grammar_is_a_bad_request_that_says_where() -> None:
    with pytest.raises(KnownError, match="line 2"):
        Constraint(Words(), "root ::= a\na ::= (")


def test_the_answer_may_end_only_when_the_grammar_is_fulfilled() -> None:
    words = Words(b"a", b"b", b"ab", b"abb")
    constraint = Constraint(words, 'root ::= "a" "b"')
    assert all_allowed(constraint, words) == [2, 4]
    assert constraint.allowed() == [2, 4]
    constraint.accept(END)  # not allowed: nothing happens
    constraint.accept(2)
    assert all_allowed(constraint, words) == [3]
    constraint.accept(3)
    assert all_allowed(constraint, words) == constraint.allowed() == [END]


def test_control_tokens_fit_only_where_they_are_meant() -> None:
    words = Words(b"x", b"<", b"mark>")
    assert all_allowed(Constraint(words, "root ::= .+"), words) == [2, 3, 4]
    assert all_allowed(Constraint(words, 'root ::= "<mark>" | "x"'), words) == [MARK, 2, 3]
    named = Constraint(words, "root ::= <mark> | <[2]>")
    assert all_allowed(named, words) == named.allowed() == [MARK, 2]
    other = Constraint(words, "root ::= !<[2]>")
    assert all_allowed(other, words) == other.allowed() == [MARK, 3, 4]


def test_what_kills_llama_cpp_is_just_refused() -> None:
    """A token that goes on after the characters, where the grammar wants a token of its own: llama.cpp
    allows it, accepts it, and ends the process."""
    words = Words(b"a", b"ab")
    constraint = Constraint(words, 'root ::= "a" !<[2]>')
    assert all_allowed(constraint, words) == [2]
    constraint.accept(3)
    assert all_allowed(constraint, words) == [2]


def test_characters_come_in_parts() -> None:
    euro = "€".encode()
    words = Words(euro[:1], euro[1:2], euro[2:], euro, b"a", "é".encode()[:1], b"\xff", euro[:2])
    constraint = Constraint(words, 'root ::= "€" "a"')
    assert all_allowed(constraint, words) == constraint.allowed() == [2, 5, 9]
    for token in (2, 3, 4):
        assert constraint.allows(token)
        constraint.accept(token)
        assert all_allowed(constraint, words) == constraint.allowed()
    assert all_allowed(constraint, words) == [6]


def test_no_token_fits() -> None:
    assert not len(Constraint(Words(b"a"), 'root ::= "\\x00"').allowed())
    assert not len(Constraint(Words(b"a"), "root ::= []* [^\\x00-\\U0010FFFF]").allowed())


# Lazy grammars


def test_a_word_starts_the_grammar() -> None:
    words = Words(b"say ", b"<", b"go", b"> x", b"> 1", b"9", b">")
    constraint = Constraint(words, 'root ::= "<go> " [0-9]+', [Trigger(word="<go>")])
    for token in (2, 3, 4):
        assert constraint.allows(END)
        constraint.accept(token)
    assert constraint.is_waiting
    assert all_allowed(constraint, words) == [END, MARK, 2, 3, 4, 6, 7, 8]  # not the one that goes on wrongly
    constraint.accept(6)
    assert not constraint.is_waiting
    assert all_allowed(constraint, words) == [END, 7]


def test_a_token_starts_the_grammar() -> None:
    words = Words(b"1", b"a")
    constraint = Constraint(words, 'root ::= "<mark>" [0-9]', [Trigger(token=MARK)])
    constraint.accept(3)
    assert constraint.allows(3)
    constraint.accept(MARK)
    assert all_allowed(constraint, words) == [2]


@pytest.mark.parametrize("trigger", [Trigger(word="<no>"), Trigger(token=2), Trigger(token=99)])
def test_a_trigger_that_the_grammar_does_not_begin_with_is_refused(trigger: Trigger) -> None:
    with pytest.raises(KnownError, match="grammar_triggers"):
        Constraint(Words(b"1", b"a"), 'root ::= "<go>"', [trigger])


# Bytes


@given(st.text(max_size=4).map(str.encode), st.binary(max_size=3))
def test_bytes_are_cut_at_the_last_whole_character(text: bytes, rest: bytes) -> None:
    found = cut_character(text + rest)
    if found is None:
        return
    whole, left = found
    assert whole.encode() + left == text + rest
    if left:
        lowest, highest = code_range(left)
        for code in {lowest, highest, (lowest + highest) // 2} - set(range(0xD800, 0xE000)):
            assert chr(code).encode().startswith(left)


def test_every_beginning_of_a_character_is_one() -> None:
    for code in random.Random(1).sample([*range(0xD800), *range(0xE000, 0x110000)], 3000):
        data = chr(code).encode()
        for cut in range(1, len(data)):
            assert cut_character(b"x" + data[:cut]) == ("x", data[:cut])
            lowest, highest = code_range(data[:cut])
            assert lowest <= code <= highest
    for wrong in (b"\x80", b"\xc0\x80", b"\xed\xa0", b"\xf4\x90", b"\xf5", b"\xe2(", b"\xe2\x82\xff"):
        assert cut_character(wrong) is None


# Properties

PATTERNS = [
    JSON,
    'root ::= "é"+ "€"?',
    "root ::= [é-€]* .",
    'root ::= ("a" | "ab" | <[3]>)+',
    "root ::= !<[4]> [^a]*",
    'root ::= "a" root "b" | "c"',
]
BYTES = [
    "é".encode()[:1],
    "é".encode()[1:],
    "€".encode(),
    "€".encode()[:2],
    "€".encode()[2:],
    b"a",
    b"ab",
    b"{",
    b'"',
]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(PATTERNS), st.randoms(use_true_random=False))
def test_what_is_allowed_is_what_is_followed(pattern: str, rng: random.Random) -> None:
    words = Words(*BYTES, b"}", b"c", b"b", b": 1", b'"a"', b"\xff", b"")
    constraint = Constraint(words, pattern)
    for _ in range(12):
        allowed = constraint.allowed()
        assert allowed == all_allowed(constraint, words)
        before = [token for token in allowed if token != END]
        refused = [token for token in range(words.size) if token not in allowed]
        for token in itertools.islice(refused, 3):
            constraint.accept(token)  # changes nothing
        assert constraint.allowed() == allowed
        if not before:
            break
        constraint.accept(rng.choice(before))


@pytest.mark.llama
@pytest.mark.parametrize("said", ["", "{", '{"na', '{"name": "caf', '{"a": [1, 2', '{"a": tr', '{"a": 1}'])
def test_allows_what_llama_cpp_allows(library, smol, said):
    """Control tokens apart: a text in quotation marks may hold none here."""
    vocabulary = smol.vocabulary
    native = library.api.llama_sampler_init_grammar(vocabulary._pointer, JSON.encode(), b"root")
    constraint = Constraint(vocabulary, JSON)
    tokens = vocabulary.tokenize(said, parse_special=False)
    for token in tokens:
        assert constraint.allows(token)
        constraint.accept(token)
    theirs = applied(library.api, native, numpy.zeros(vocabulary.size, numpy.float32), tokens)
    expected = set(numpy.flatnonzero(theirs == 0).tolist())
    plain = {token for token in expected if token not in vocabulary.control_ids or vocabulary.is_end(token)}
    assert set(constraint.allowed()) == plain
