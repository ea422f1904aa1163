from __future__ import annotations

from contextlib import closing
from pathlib import Path

from app.store import Store
from app.store.database import suspect_mark
from tests.store.makers import fill


def test_what_was_kept_is_there_when_opened_again(path: Path):
    with closing(Store.open(path)) as store:
        made = fill(store, 5)
        assert store.notices == ()
    with closing(Store.open(path)) as store:
        assert store.messages.path_ids(made[-1]) == made
        assert [found.id for found in store.chats.search("word 3")] == ["c"]


def test_closing_twice_is_harmless(path: Path):
    store = Store.open(path)
    store.close()
    store.close()


def test_a_sound_file_is_found_sound(store: Store, path: Path):
    fill(store, 5)
    assert store.check()
    assert not suspect_mark(path).exists()


def test_damage_found_by_a_check_is_rescued_at_the_next_start(path: Path, monkeypatch):
    # As for a file that is too large to be looked through at every start.
    monkeypatch.setattr("app.store.store._CHECKED_AT_ONCE_BYTES", 0)
    with closing(Store.open(path)) as store:
        made = fill(store, 50, text="word {number} " * 100)
    with path.open("r+b") as file:
        file.seek(-6 * 4096, 2)
        file.write(bytes(4096))
    with closing(Store.open(path)) as store:
        assert store.notices == ()
        assert not store.check()
    with closing(Store.open(path)) as store:
        assert [notice.code.value for notice in store.notices] == ["store-damaged"]
        assert store.check()
        assert len(store.messages.path_ids(made[-1])) == 50
    with closing(Store.open(path)) as store:
        assert store.notices == ()


def test_a_suspect_file_that_is_sound_is_indexed_anew(path: Path):
    with closing(Store.open(path)) as store:
        fill(store, 5)
        store._database.execute("UPDATE message_index_data SET block = x'00' WHERE id > 10")
    suspect_mark(path).touch()
    with closing(Store.open(path)) as store:
        assert store.notices == ()
        assert [found.id for found in store.chats.search("word 3")] == ["c"]
    assert not suspect_mark(path).exists()
