from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.worker.stops import StopStrings, partial_suffix

WORDS = st.lists(st.text(alphabet="ab\n", min_size=1, max_size=4), max_size=4)


def reference(text: str, words: list[str]) -> str:
    """Cuts where, reading character by character, a stop string is first complete."""
    for end in range(1, len(text) + 1):
        starts = [end - len(word) for word in words if word and text[:end].endswith(word)]
        if starts:
            return text[: min(starts)]
    return text


def fed(pieces: list[str], words: list[str]) -> tuple[str, list[str]]:
    stops = StopStrings(words)
    shown = [stops.feed(piece) for piece in pieces]
    if not stops.is_hit:
        shown.append(stops.finish())
    return "".join(shown), shown


@given(st.lists(st.text(alphabet="ab\nc", max_size=5), max_size=8), WORDS)
def test_the_cut_is_the_same_at_every_chunking(pieces, words):
    assert fed(pieces, words)[0] == reference("".join(pieces), words)


@given(st.lists(st.text(alphabet="ab", max_size=4), max_size=8), WORDS)
def test_nothing_of_a_stop_string_is_ever_shown(pieces, words):
    shown = ""
    final = reference("".join(pieces), words)
    for piece in fed(pieces, words)[1]:
        shown += piece
        assert final.startswith(shown)


def test_the_earliest_wins_not_the_first_listed():
    assert fed(["one two three"], ["three", "two"])[0] == "one "


def test_of_two_that_end_together_the_longer_wins():
    assert fed(["a", "b", "c"], ["c", "abc"])[0] == ""


def test_text_that_only_looked_like_a_stop_is_shown_in_the_end():
    assert fed(["END", " of"], ["END OF"]) == ("END of", ["", "END of", ""])


def test_empty_words_stop_nothing():
    assert fed(["abc"], [""]) == ("abc", ["abc", ""])


def test_after_a_hit_nothing_comes():
    stops = StopStrings(["x"])
    assert stops.feed("ax") == "a"
    assert stops.is_hit
    assert stops.feed("more") == ""


@pytest.mark.parametrize(
    ("text", "word", "length"),
    [
        ("abc", "cd", 1),
        ("abc", "abc", 0),
        ("ab", "abab", 2),
        ("", "a", 0),
        ("xaba", "abab", 3),
        ("a", "a", 0),
    ],
)
def test_partial_suffix(text, word, length):
    assert partial_suffix(text, word) == length


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(st.lists(st.text(alphabet="ab\nc", max_size=7), max_size=12), WORDS)
def test_five_thousand_more_chunkings(pieces, words):
    assert fed(pieces, words)[0] == reference("".join(pieces), words)
