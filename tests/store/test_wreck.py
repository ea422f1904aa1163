"""Reading what is left. Whole rescues are in test_salvage.py."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.store.wreck import Column, Wreck

PAGE = 4096
COLUMNS = [Column("seq", "INTEGER", False), Column("name", "TEXT", True), Column("note", "TEXT", False)]
ROWS = [(seq, f"name {seq} " * 30, None if seq % 2 else "note") for seq in range(1, 301)]


@pytest.fixture
def file(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 3")
        connection.execute("CREATE TABLE t (seq INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT)")
        connection.execute("CREATE TABLE other (seq INTEGER PRIMARY KEY, a INTEGER, b INTEGER)")
        connection.execute("CREATE INDEX t_by_note ON t (note)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
        connection.executemany("INSERT INTO other VALUES (?, 1, 2)", [(seq,) for seq in range(900)])
    return path


def root(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]


def wipe(path: Path, page: int, data: bytes = bytes(PAGE)) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(data)


def test_a_sound_file_is_read_whole(file: Path):
    with closing(Wreck(file)) as wreck:
        assert wreck.version() == 3
        assert list(wreck.rows("t", COLUMNS)) == ROWS
        assert sorted(wreck.strays("t", COLUMNS)) == ROWS


def test_rows_below_a_lost_page_are_found_by_going_through_all_pages(file: Path):
    wipe(file, root(file, "t"))
    before = file.read_bytes()
    with closing(Wreck(file)) as wreck:
        assert list(wreck.rows("t", COLUMNS)) == []
        assert sorted(wreck.strays("t", COLUMNS)) == ROWS
        assert wreck.version() == 3
    assert file.read_bytes() == before


def test_what_a_table_cannot_hold_is_not_taken_for_its_rows(file: Path):
    with closing(Wreck(file)) as wreck:
        numbers = [
            Column("seq", "INTEGER", False),
            Column("a", "INTEGER", True),
            Column("b", "INTEGER", True),
        ]
        assert len(list(wreck.strays("other", numbers))) == 900


def test_values_are_read_as_what_they_should_be(file: Path):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE t SET name = x'6162ff' WHERE seq = 1")
        connection.execute("UPDATE t SET name = 7, note = 8 WHERE seq = 2")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = 't'")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE t SET name = NULL WHERE seq = 3")
    with closing(Wreck(file)) as wreck:
        first = list(wreck.rows("t", COLUMNS))[:3]
    assert first == [(1, "ab\ufffd", None), (2, "7", "8"), (3, "", None)]


@pytest.mark.parametrize("data", [b"", b"rubbish" * 1000, bytes(PAGE * 3)])
def test_what_cannot_be_read_gives_nothing_and_raises_nothing(path: Path, data: bytes):
    path.write_bytes(data)
    with closing(Wreck(path)) as wreck:
        assert wreck.version() == 0
        assert list(wreck.rows("t", COLUMNS)) == []
        assert list(wreck.strays("t", COLUMNS)) == []
