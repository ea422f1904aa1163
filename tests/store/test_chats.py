from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from app.domain.chat import Chat
from app.errors import BugError
from app.store import Store
from tests.store.makers import chat, chats, fill, message, streaming

SAME_STORE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)


@SAME_STORE
@given(chats)
def test_a_chat_comes_back_as_it_was(store: Store, value: Chat):
    store.chats.add(chat())
    store.chats.update(value)
    assert store.chats.get("c") == value


def test_adding_again_changes_nothing(store: Store):
    assert store.chats.add(chat(title="first"))
    assert not store.chats.add(chat(title="second"))
    assert store.chats.get("c") == chat(title="first")
    assert store.chats.search("first")
    assert not store.chats.search("second")


def test_an_unknown_chat_is_none_and_cannot_be_updated(store: Store):
    assert store.chats.get("nobody") is None
    with pytest.raises(BugError):
        store.chats.update(chat("nobody"))


def test_pages_go_from_new_to_old_without_gap(store: Store):
    for number in range(10):
        store.chats.add(chat(f"{number}", updated_ms=number * 10))
    first = store.chats.page(limit=4)
    second = store.chats.page(limit=100, before_ms=first[-1].updated_ms)
    assert [found.id for found in first + second] == [*"9876543210"]


def test_the_trash_is_listed_apart_and_not_searched(store: Store):
    fill(store, 2, "kept")
    fill(store, 2, "gone")
    gone = store.chats.get("gone")
    assert gone is not None
    store.chats.update(msgspec.structs.replace(gone, deleted_ms=5))
    assert [found.id for found in store.chats.page()] == ["kept"]
    assert [found.id for found in store.chats.page(deleted=True)] == ["gone"]
    assert [found.id for found in store.chats.search("word")] == ["kept"]
    store.chats.update(gone)
    assert {found.id for found in store.chats.search("word")} == {"kept", "gone"}


def test_search_pages_newest_first(store: Store):
    for number in range(10):
        fill(store, 1, f"{number}")
        store.chats.update(chat(f"{number}", updated_ms=number * 10, title="word" if number % 2 else ""))
    first = store.chats.search("word", limit=3)
    rest = store.chats.search("word", before_ms=first[-1].updated_ms)
    assert [found.id for found in first + rest] == [*"9876543210"]


def test_purging_erases_what_was_deleted_long_ago_and_nothing_else(path: Path):
    with closing(Store.open(path)) as store:
        for chat_id, deleted_ms in {"kept": None, "old": 10, "new": 20}.items():
            fill(store, 3, chat_id, text=f"secret {chat_id} {{number}}")
            store.messages.add(streaming(f"{chat_id}-s", f"{chat_id}-0", chat_id=chat_id))
            store.messages.append(f"{chat_id}-s", "chunk")
            store.chats.update(chat(chat_id, title=f"title {chat_id}", deleted_ms=deleted_ms))
        assert store.chats.purge_deleted(20) == ["old"]
        assert store.chats.purge_deleted(20) == []
        assert store.chats.get("old") is None
        assert store.messages.get("old-1") is None
        assert store.messages.get("new-2") is not None
        store.chats.update(chat("new"))
        found = {query: [hit.id for hit in store.chats.search(query)] for query in ("secret", "old")}
        assert found == {"secret": ["new", "kept"], "old": []}
        assert [ended.id for ended in store.messages.recover()] == ["kept-s", "new-s"]
    assert b"secret old" not in path.read_bytes()


def test_a_new_chat_may_take_the_place_of_a_purged_one(store: Store):
    fill(store, 2, "old", text="secret")
    store.chats.update(chat("old", deleted_ms=1))
    store.chats.purge_deleted(2)
    fill(store, 2, "new", text="other")
    assert store.chats.search("secret") == []
    assert [found.id for found in store.chats.search("other")] == ["new"]
    assert store.messages.add(message("x", "new-1", chat_id="new"))
