from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.worker import gbnf
from app.engine.worker.gbnf import GrammarError
from app.engine.worker.rules import Call, Characters, Rule, Token

NO_TOKENS = {"<|end|>": 7}.get
JSON = r"""root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws

string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws

number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws

# Optional space: by convention, applied in this grammar after literal chars when allowed
ws ::= | " " | "\n" [ \t]{0,20}
"""


def read(text: str) -> list[Rule]:
    return gbnf.read(text, NO_TOKENS)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("a ::= .", 1),
        ("root := .", 1),
        ("root ::= .\nroot ::= .", 2),
        ("root ::= a\n\n# a comment\na ::= b", 4),
        ('root ::= a\na ::= "x', 2),
        ("root ::= a\na ::= [x", 2),
        ("root ::= (\n.", 2),
        ("root ::= .)", 1),
        ('root ::= "\\q"', 1),
        ('root ::= "\\x0"', 1),
        ('root ::= "\\u00g0"', 1),
        ('root ::= "\\u٠٠٠٠"', 1),  # digits, but not those
        ("root ::= *", 1),
        ("root ::= .{3,2}", 1),
        ("root ::= .{2001}", 1),
        ("root ::= .{,3}", 1),
        ("root ::= .{99999999999999999999}", 1),
        ("root ::= ((.{1000}){1000}){1000}" + " ." * 50_000, 1),
        ("root ::= <|unknown|>", 1),
        ("root ::= <[12345678901234]>", 1),
        ("root ::= " + "(" * 51 + "." + ")" * 51, 1),
        ("root ::= " + "(" * 100_000, 1),
        ('root ::= root "x"', 1),
        ('root ::= . a\na ::= b a "x"\nb ::= c\nc ::= | "y"', 2),  # llama.cpp fills the memory with this
        ("root ::= . | a_b$", 1),
    ],
)
def test_a_broken_grammar_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(GrammarError) as refusal:
        read(text)
    assert refusal.value.line == line


def test_llama_cpps_own_example_is_read() -> None:
    rules = read(JSON)
    assert rules[0].name == "root"
    assert {rule.name for rule in rules} == {"root", "value", "object", "array", "string", "number", "ws"}


def test_what_characters_mean() -> None:
    (root,) = read('root ::= "é\\x41" [a-cb-dx] [^b-d] . [-a] [^]')
    ((e, a, some, others, every, dash, any_again),) = root.alternatives
    assert (e, a) == (Characters((0xE9, 0xEA), True), Characters((0x41, 0x42), True))
    assert some == Characters((ord("a"), ord("e"), ord("x"), ord("y")))
    assert others == Characters((0, ord("b"), ord("e"), 0x110000))
    assert every == any_again == Characters((0, 0x110000))
    assert dash == Characters((ord("-"), ord("-") + 1, ord("a"), ord("a") + 1))


def test_the_others_of_the_ends() -> None:
    (root,) = read("root ::= [^\\x00-a] [^b-\\U0010FFFF]")
    assert root.alternatives == [(Characters((ord("b"), 0x110000)), Characters((0, ord("b"))))]


def test_tokens_by_number_and_by_name() -> None:
    (root,) = read("root ::= <[5]> !<[6]> <|end|>")
    assert root.alternatives == [(Token(5), Token(6, is_other=True), Token(7))]


def test_a_repetition_repeats_the_whole_literal() -> None:
    rules = read('root ::= "ab"{2}')
    assert rules[0].alternatives == [(Call(1), Call(1))]
    assert len(rules[1].alternatives[0]) == 2


ALPHABET = ['"', "\\", "[", "]", "(", ")", "|", "*", "+", "?", "{", "}", ",", "<", ">", "!", ".", "-", "^"]
WORDS = [
    *ALPHABET,
    "root",
    "::=",
    "a",
    "b",
    " ",
    "\n",
    "#",
    "1",
    "2000",
    "\\x41",
    "<[3]>",
    '"x"',
    "root ::= ",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_rules_or_an_error_with_a_line(text: str) -> None:
    begun = time.monotonic()
    try:
        rules = read("root ::= " + text)
    except GrammarError as error:
        line = error.line
    else:
        line = 1
        assert all(rule.is_defined for rule in rules)
    assert 1 <= line <= text.count("\n") + 1
    assert time.monotonic() - begun < 5
