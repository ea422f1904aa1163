"""The indexes give back what was put in, in any script, as it is typed; and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store import Store, folding, search
from app.store.database import Database
from app.store.folding import fold
from app.store.migrations import migrate
from app.store.search import TextIndex
from tests.store.makers import chat, fill, message, streaming

# Few letters, so that words meet; with and without spaces, marks and case.
LETTERS = "abB éĐđ中国人한국ก ,"
UNSPACED = "中国人한국ก"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextIndex]:
    """One for all examples: each takes its row out again."""
    database = Database(tmp_path_factory.mktemp("index") / "cove.db")
    migrate(database)
    yield TextIndex(database, "message_index")
    database.close()


def finds(index: TextIndex, text: str, query: str) -> bool:
    expression = folding.match_expression(query)
    sql = "SELECT rowid FROM message_index WHERE message_index MATCH ?"
    with index._database.write():
        index.put(1, text)
        found = index._database.rows(sql, (expression,)) if expression else []
        index.remove(1, text)
        left = index._database.rows(sql, (expression,)) if expression else []
    assert left == []
    return found == [(1,)]


def should_find(text: str, query: str) -> bool:
    """What `finds` promises, said plainly."""
    words, asked = fold(text).split(), fold(query).split()
    return bool(asked) and all(
        any(
            ask in word
            if ask[0] in UNSPACED
            else word == ask or (place == len(asked) - 1 and word.startswith(ask))
            for word in words
        )
        for place, ask in enumerate(asked)
    )


@given(st.text(LETTERS, max_size=30), st.text(LETTERS, max_size=6))
def test_finds_what_it_should_and_nothing_else(index, text, query):
    assert finds(index, text, query) == should_find(text, query)


@given(st.text(min_size=1), st.data())
def test_any_word_of_any_text_is_found_as_it_is_typed(index, text, data):
    words = fold(text).split()
    if words:
        word = data.draw(st.sampled_from(words))
        typed = word[: data.draw(st.integers(1, len(word)))]
        assert not fold(typed) or finds(index, text, typed)


@pytest.mark.parametrize(
    "query", ["trung quoc", "TRUNG QUỐC", "trung qu", "中国", "国", "中", "住在", "北京", "京"]
)
def test_finds_vietnamese_without_marks_and_chinese_of_two_letters(store: Store, query: str):
    fill(store, 4)
    store.messages.finish(message("c-1", "c-0", content="Tôi ở Trung Quốc: 我住在中国北京。"))
    assert [found.id for found in store.chats.search(query)] == ["c"]


@pytest.mark.parametrize("query", ["国中", "trung x", "quoc_x", "", "*", "AND"])
def test_does_not_find_what_is_not_there(store: Store, query: str):
    fill(store, 1, text="中国 trung quocs")
    assert store.chats.search(query) == []


def test_all_words_must_be_in_one_message(store: Store):
    store.chats.add(chat(title="red"))
    store.messages.add(message("1", content="green blue"))
    store.messages.add(message("2", "1", content="yellow"))
    assert store.chats.search("green blue")
    assert not store.chats.search("green yellow")
    assert not store.chats.search("red green")


def test_an_answer_is_found_once_it_has_ended(store: Store):
    store.chats.add(chat())
    store.messages.add(streaming("a", content="beg"))
    store.messages.append("a", "un in Par")
    store.messages.append("a", "is")
    assert not store.chats.search("paris")
    store.messages.recover()
    assert store.chats.search("paris")
    assert store.chats.search("begun")


def test_what_was_replaced_is_not_found_any_more(store: Store):
    store.chats.add(chat(title="before"))
    store.messages.add(message(content="old text"))
    store.messages.finish(message(content="new words"))
    store.chats.update(chat(title="after"))
    assert [bool(store.chats.search(query)) for query in ("old", "new", "before", "after")] == [
        False,
        True,
        False,
        True,
    ]


def test_an_answer_that_goes_on_is_not_found_until_it_ends_again(store: Store):
    store.chats.add(chat())
    store.messages.add(message("a", content="half"))
    store.messages.finish(streaming("a", content="half"))
    store.messages.append("a", " whole")
    assert not store.chats.search("half")
    store.messages.finish(message("a", content="half whole"))
    assert store.chats.search("half whole")


def test_other_folding_rules_make_the_index_anew(path: Path, monkeypatch: pytest.MonkeyPatch):
    with closing(Store.open(path)) as store:
        fill(store, 3, text="Straße {number}")
        store.messages.add(streaming("s", "c-2"))
        store.chats.update(chat(title="Łódź"))
    monkeypatch.setattr(search, "FOLDING", "2/test")
    monkeypatch.setattr(
        search, "index_text", lambda text: folding.index_text(text).replace("strasse", "road")
    )
    with closing(Store.open(path)) as store:
        assert store.chats.search("road 2")
        assert not store.chats.search("strasse")
        assert store.chats.search("lodz")
        store.messages.finish(message("c-2", "c-1", content="path"))
        assert not store.chats.search("road 2")


def test_a_store_that_is_current_is_not_indexed_again(path: Path, monkeypatch: pytest.MonkeyPatch):
    Store.open(path).close()
    monkeypatch.setattr(search, "rebuild", lambda database: pytest.fail("indexed again"))
    Store.open(path).close()


def test_one_rowid_tells_the_chat(path: Path):
    with closing(Store.open(path)) as store:
        fill(store, 3, "first")
        fill(store, 2, "second")
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT m.seq >> 32, c.seq FROM messages m JOIN chats c ON c.id = m.chat_id"
        )
        assert [left == right for left, right in rows] == [True] * 5
