"""Transactions, and what is said when the disk refuses."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.notice import Action, NoticeCode
from app.errors import BugError, KnownError
from app.store import Store, database
from app.store.database import Database, known, storage_error, suspect_mark
from tests.store.makers import chat, fill, message, streaming


@pytest.fixture
def table(path: Path) -> Iterator[Database]:
    with closing(Database(path)) as opened:
        opened.execute("CREATE TABLE t (x)")
        yield opened


def test_a_block_that_raises_leaves_nothing(table: Database):
    def fail() -> None:
        with table.write():
            table.execute("INSERT INTO t VALUES (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert table.rows("SELECT * FROM t") == []
    with table.write():
        table.execute("INSERT INTO t VALUES (2)")
    assert table.one("SELECT x FROM t") == (2,)
    assert table.number("SELECT x FROM t WHERE x = 9") == 0


def test_a_transaction_inside_another_is_a_bug(table: Database):
    with pytest.raises(BugError), table.write(), table.write():
        pass
    with table.write():
        pass


def test_a_durable_transaction_waits_for_the_disk(table: Database):
    full, normal = (2,), (1,)
    assert table.one("PRAGMA synchronous") == normal
    with table.write(durable=True):
        assert table.one("PRAGMA synchronous") == full
    assert table.one("PRAGMA synchronous") == normal
    with pytest.raises(ZeroDivisionError), table.write(durable=True):
        raise ZeroDivisionError
    assert table.one("PRAGMA synchronous") == normal
    assert table.one("PRAGMA journal_mode") == ("wal",)


def test_what_a_person_wrote_is_durable(store: Store, monkeypatch: pytest.MonkeyPatch):
    """Every call that promises so leaves nothing to be written later."""
    modes: list[int] = []
    execute = Database.execute

    def watch(self: Database, sql: str, parameters=()) -> int:
        if sql.startswith(("INSERT INTO messages", "UPDATE messages")):
            modes.append(self.number("PRAGMA synchronous"))
        return execute(self, sql, parameters)

    monkeypatch.setattr(Database, "execute", watch)
    store.chats.add(chat())
    store.messages.add(message("1"))
    store.messages.add_turn(message("2", "1"), streaming("3", "2"), chat())
    store.messages.finish(message("3", "2"))
    assert modes == [2, 2, 2, 2]


def test_sql_that_makes_no_sense_is_a_bug(table: Database):
    with pytest.raises(BugError, match="no such table"):
        table.rows("SELECT * FROM missing")


def test_the_file_is_private(path: Path, store: Store):
    fill(store, 2)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_full_disk_loses_nothing_and_can_be_retried(path: Path):
    with closing(Store.open(path)) as store:
        made = fill(store, 20)
        pages = store._database.number("PRAGMA page_count")
        store._database.rows(f"PRAGMA max_page_count = {pages}")
        new = message("new", made[-1], content="word " * 100_000)
        with pytest.raises(KnownError) as raised:
            store.messages.add(new)
        assert raised.value.notice.code is NoticeCode.DISK_FULL
        assert Action.FREE_DISK in raised.value.notice.actions
        assert raised.value.notice.facts["path"] == str(path.parent)
        assert store.messages.get("new") is None
        assert store.messages.path_ids(made[-1]) == made
        store._database.rows(f"PRAGMA max_page_count = {pages * 10}")
        assert store.messages.add(new)
    with closing(Store.open(path)) as store:
        assert store.messages.path_ids("new") == [*made, "new"]
        assert store.notices == ()


def test_a_full_disk_in_mid_answer_keeps_the_answer_so_far(path: Path):
    with closing(Store.open(path)) as store:
        store.chats.add(chat())
        store.messages.add(streaming("a"))
        pages = store._database.number("PRAGMA page_count")
        store._database.rows(f"PRAGMA max_page_count = {pages}")
        written = ""

        def grow() -> None:
            nonlocal written
            while True:
                store.messages.append("a", "0123456789" * 100)
                written += "0123456789" * 100

        with pytest.raises(KnownError) as raised:
            grow()
        assert raised.value.notice.code is NoticeCode.DISK_FULL
    with closing(Store.open(path)) as store:
        assert [ended.content for ended in store.messages.recover()] == [written]


def test_a_home_that_cannot_be_written_to_is_said_at_once(home: Path):
    home.write_text("a file, not a folder")
    for path in (home / "cove.db", Path("/proc/cove.db"), Path("/")):
        with pytest.raises(KnownError) as raised:
            Store.open(path)
        assert raised.value.notice.code is NoticeCode.HOME_NOT_WRITABLE
        assert raised.value.notice.facts == {"path": str(path.parent)}
    assert home.read_text() == "a file, not a folder"


def test_a_file_that_can_only_be_read_is_said_at_once(path: Path, monkeypatch: pytest.MonkeyPatch):
    with closing(Store.open(path)) as store:
        made = fill(store, 2)
    connect = sqlite3.connect

    def read_only(target: Path, **options):
        return connect(f"file:{target}?mode=ro", uri=True, **options)

    monkeypatch.setattr(database.sqlite3, "connect", read_only)
    with pytest.raises(KnownError) as raised:
        Store.open(path)
    assert raised.value.notice.code is NoticeCode.HOME_NOT_WRITABLE
    monkeypatch.undo()
    with closing(Store.open(path)) as store:
        assert store.messages.path_ids(made[-1]) == made


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_FULL, NoticeCode.DISK_FULL),
        (sqlite3.SQLITE_IOERR_WRITE, NoticeCode.HOME_NOT_WRITABLE),
        (sqlite3.SQLITE_READONLY_DBMOVED, NoticeCode.HOME_NOT_WRITABLE),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, NoticeCode.HOME_NOT_WRITABLE),
        (sqlite3.SQLITE_CORRUPT_VTAB, NoticeCode.STORE_DAMAGED),
        (sqlite3.SQLITE_NOTADB, NoticeCode.STORE_DAMAGED),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, NoticeCode.BUG),
    ],
)
def test_each_fault_of_the_disk_has_its_notice(path: Path, code: int, expected: NoticeCode):
    error = sqlite3.OperationalError("refused")
    error.sqlite_errorcode = code
    assert known(error, path).notice.code is expected


def test_a_write_that_fails_for_want_of_room_is_a_full_disk(path: Path, monkeypatch: pytest.MonkeyPatch):
    assert storage_error(path, OSError(28, "no space")).notice.code is NoticeCode.DISK_FULL
    monkeypatch.setattr(database, "free_bytes", lambda path: 0)
    assert storage_error(path, OSError(13, "denied")).notice.code is NoticeCode.HOME_NOT_WRITABLE
    assert storage_error(path).notice.code is NoticeCode.DISK_FULL
    monkeypatch.setattr(database, "free_bytes", lambda path: None)
    assert storage_error(path).notice.code is NoticeCode.HOME_NOT_WRITABLE
    monkeypatch.undo()
    assert database.free_bytes(path / "no" / "where") is None
    assert (database.free_bytes(path) or 0) > 0


def test_damage_met_while_running_is_said_and_remembered(path: Path):
    with closing(Store.open(path)) as store:
        fill(store, 2)
        store._database.execute("UPDATE messages SET content = CAST(x'ff41' AS TEXT) WHERE id = 'c-0'")
        with pytest.raises(KnownError) as raised:
            store.messages.get("c-0")
        assert raised.value.notice.code is NoticeCode.STORE_DAMAGED
        assert Action.RESTART in raised.value.notice.actions
        assert suspect_mark(path).exists()


def test_a_copy_is_whole_and_replaces_nothing_until_it_is(path: Path, store: Store):
    made = fill(store, 5)
    target = path.with_name("copy.db")
    store._database.copy_to(target)
    with closing(Store.open(target)) as copy:
        assert copy.messages.path_ids(made[-1]) == made
    blocked = path.with_name("blocked.db")
    blocked.mkdir()
    with pytest.raises(KnownError):
        store._database.copy_to(blocked)
    assert list(blocked.iterdir()) == []
