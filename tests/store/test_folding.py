"""Folding finds text however it is typed. What FTS5 makes of it is in test_search.py."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.folding import MAX_TERMS, fold, index_text, match_expression

SCRIPTS = "aZéĐđ ễợİıßæŁØ ﬁＡ½ Σς йЁ שָׁ قُ हिन्दी ที่ がパ 中国人 한국어 😀👍 _-'\"*() \u0301\u3099\n\x00"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Đường Phố", "duong pho"),
        ("ĐƯỜNG", "duong"),
        (unicodedata.normalize("NFD", "Tiếng Việt"), "tieng viet"),
        ("Straße, ŁÓDŹ & Øre", "strasse lodz ore"),
        ("İstanbul ısı", "istanbul isi"),
        ("ＡＢＣ１２３ ﬁne", "abc123 fine"),
        ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
        ("can't snake_case C++", "can t snake case c"),
        ("hello中国world", "hello 中国 world"),
        ("がぎ かき", "がぎ かき"),  # the marks of kana make other sounds
        ("ｶﾞ", "ガ"),
        ("हिन्दी", "हिन्दी"),  # and those of Indic scripts are vowels
        ("שָׁלוֹם", "שלום"),
        ("well done 👍🏽", "well done 👍"),
        ("tab\tline\nnul\x00end", "tab line nul end"),
        ("\ud800", ""),
        ("?!…", ""),
        ("", ""),
    ],
)
def test_folds(text, folded):
    assert fold(text) == folded


@given(st.text() | st.text(alphabet=SCRIPTS))
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.text() | st.text(alphabet=SCRIPTS))
def test_composed_and_decomposed_text_fold_the_same(text):
    forms = {fold(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert forms == {fold(text)}


@given(st.text() | st.text(alphabet=SCRIPTS))
def test_terms_are_words_with_single_spaces(text):
    assert index_text(text).split() == index_text(text).split(" ") or index_text(text) == ""


def test_unspaced_scripts_are_indexed_in_pairs():
    assert index_text("住在中国。ok") == "住在 在中 中国 国 ok"


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        ("Đà Nẵ", '"da" AND "na" *'),
        ("中国", '"中国 国" *'),
        ("中 x", '"中" * AND "x" *'),
        ('" OR NEAR(a)*', '"or" AND "near" AND "a" *'),
        ("  ", ""),
        ("-", ""),
    ],
)
def test_asks_for_all_words_and_the_last_as_far_as_typed(query, expression):
    assert match_expression(query) == expression


def test_a_pasted_page_asks_for_its_first_words_only():
    assert match_expression("word " * 1000).count("AND") == MAX_TERMS - 1
