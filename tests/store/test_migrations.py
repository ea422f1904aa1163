from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.notice import Action, NoticeCode
from app.errors import KnownError
from app.store import Store, migrations
from app.store.database import Database
from app.store.migrations import APPLICATION_ID, STEPS, migrate
from tests.store.makers import fill

FIXTURE = Path(__file__).parent / "version_1.sql"


def add_stars(database: Database) -> None:
    database.execute("ALTER TABLE chats ADD COLUMN stars INTEGER NOT NULL DEFAULT 0")


def count_stars(database: Database) -> None:
    database.execute("UPDATE chats SET stars = length(title)")


def fall(database: Database) -> None:
    database.execute("UPDATE chats SET title = 'half done'")
    raise ZeroDivisionError


@pytest.fixture
def old(path: Path) -> Path:
    """A home that version 1 left behind, as the fixture holds it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIXTURE.read_text(encoding="utf-8"))
    return path


def versions(path: Path) -> tuple[int, int]:
    with closing(Database(path)) as database:
        return database.number("PRAGMA user_version"), database.number("PRAGMA application_id")


def test_a_new_file_has_the_newest_version_and_no_copy(path: Path):
    Store.open(path).close()
    assert versions(path) == (len(STEPS), APPLICATION_ID)
    assert [file.name for file in path.parent.iterdir()] == ["cove.db"]


def test_a_file_of_version_1_opens_with_all_that_is_in_it(old: Path):
    with closing(Store.open(old)) as store:
        assert [ended.content for ended in store.messages.recover()] == ["Hà Nội là"]
        branch, has_older = store.messages.branch("a2")
        assert [(m.id, m.role.value, m.status.value) for m in branch] == [
            ("q1", "user", "complete"),
            ("a1", "assistant", "stopped"),
            ("q2", "user", "complete"),
            ("a2", "assistant", "interrupted"),
        ]
        assert not has_older
        assert [found.title for found in store.chats.search("viet nam")] == ["Thủ đô Việt Nam"]
        assert [found.id for found in store.chats.page(deleted=True)] == ["trashed"]
        assert [model.id for model in store.library.all()] == ["smollm2:q4_1"]
        assert [transfer.quant for transfer in store.transfers.all()] == ["Q4_K_M"]


def test_missing_steps_are_taken_in_order_with_a_copy_aside(old: Path):
    with closing(Database(old)) as database:
        migrate(database, (*STEPS, add_stars, count_stars))
        assert database.rows("SELECT stars FROM chats WHERE id = 'hanoi'") == [(len("Thủ đô Việt Nam"),)]
    assert versions(old)[0] == len(STEPS) + 2
    copy = old.with_name("cove.version-1.db")
    with closing(Store.open(copy)) as store:
        assert store.chats.get("hanoi") is not None
    assert versions(copy)[0] == len(STEPS)


def test_a_step_that_fails_leaves_the_file_as_the_step_before_left_it(old: Path):
    with closing(Database(old)) as database:
        with pytest.raises(ZeroDivisionError):
            migrate(database, (*STEPS, add_stars, fall))
        assert database.rows("SELECT title, stars FROM chats WHERE id = 'hanoi'") == [("Thủ đô Việt Nam", 0)]
        migrate(database, (*STEPS, add_stars, count_stars))
    assert versions(old)[0] == len(STEPS) + 2


def test_no_step_is_taken_when_there_is_no_room_for_the_copy(old: Path):
    old.with_name("cove.version-1.db").mkdir()
    with closing(Database(old)) as database, pytest.raises(KnownError):
        migrate(database, (*STEPS, add_stars))
    assert versions(old)[0] == 1


def test_a_file_from_the_future_is_refused_and_not_touched(path: Path, monkeypatch: pytest.MonkeyPatch):
    with closing(Store.open(path)) as store:
        made = fill(store, 3)
        store._database.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(KnownError) as raised:
        Store.open(path)
    assert raised.value.notice.code is NoticeCode.STORE_TOO_NEW
    assert raised.value.notice.facts == {"found": 99, "known": len(STEPS)}
    assert raised.value.notice.actions == (Action.UPDATE,)
    assert path.read_bytes() == before
    monkeypatch.setattr(migrations, "STEPS", STEPS)
    with closing(Database(path)) as database:
        database.execute(f"PRAGMA user_version = {len(STEPS)}")
    with closing(Store.open(path)) as store:
        assert store.messages.path_ids(made[-1]) == made
