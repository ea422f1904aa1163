from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.worker import gbnf
from app.engine.worker.automaton import DEAD, Automaton
from app.engine.worker.pieces import Pieces


class Words:
    """A vocabulary of just these pieces; the first ends an answer, the second is a control token."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = (b"<end>", b"<mark>", *pieces)
        self.size = len(self.pieces)
        self.control_ids = frozenset({0, 1})

    def piece(self, token: int) -> bytes:
        return self.pieces[token]

    def is_end(self, token: int) -> bool:
        return token == 0

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        spelled = [token for token in range(self.size) if self.pieces[token] == text.encode()]
        return spelled if parse_special else []


def test_each_token_is_in_its_place() -> None:
    found = Pieces(Words(b"b", b"a", b"", b"\xc3", "é".encode(), b"a"))
    assert (found.ends, found.control, found.cut) == ([0], [1], [5])
    assert found.texts == ["a", "a", "b", "é"]


texts = st.lists(st.text("abé\U0010ffff", min_size=1, max_size=5).map(str.encode), max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    texts, st.sampled_from(["root ::= .", '"ab"* "a"', "([a-b] [^a])*", '"aé" .*', "[^é]*", "[\U0010ffff]*"])
)
def test_finds_just_those_that_can_be_followed(pieces: list[bytes], pattern: str) -> None:
    automaton = Automaton(gbnf.read(f"root ::= {pattern.removeprefix('root ::= ')}", lambda _: None))
    words = Words(*pieces)
    following = Pieces(words).following(automaton, automaton.start)
    expected = {
        token
        for token in range(2, words.size)
        if automaton.walk(automaton.start, words.piece(token).decode()) != DEAD
    }
    assert sorted(following) == sorted(expected)
