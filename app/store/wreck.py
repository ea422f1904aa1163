"""A damaged database, read as far as it can be. Yields rows; never raises for what it cannot read.

Three ways lead to a row: the table from either end, its indexes, and at last each page of the file by itself.
Knows nothing of what the rows mean.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]
_TABLE_LEAF = b"\x0d"  # first byte of a page that holds rows


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str  # TEXT or INTEGER
    is_required: bool

    def as_declared(self) -> str:
        """The expression that reads it as what it should be, whatever a flipped bit made of it."""
        cast = f"CAST({self.name} AS {self.kind})"
        empty = "''" if self.kind == "TEXT" else "0"
        return f"coalesce({cast}, {empty})" if self.is_required else cast

    def fits(self) -> str:
        """The condition that a stray row's value can be this column's."""
        kinds = f"'{self.kind.lower()}'" + ("" if self.is_required else ", 'null'")
        return f"typeof({self.name}) IN ({kinds})"


class Wreck:
    """Every table has a row number `seq` and its columns in the order given."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source = sqlite3.connect(path, isolation_level=None)
        self._source.text_factory = lambda data: data.decode(errors="replace")
        # Or SQLite refuses a file that is shorter than its header says. Nothing is written to the schema.
        self._source.execute("PRAGMA writable_schema = ON")

    def close(self) -> None:
        self._source.close()

    def version(self) -> int:
        """Returns `user_version`, 0 when it cannot be read."""
        return int(next(self.readable("PRAGMA user_version"), (0,))[0])

    def rows(self, table: str, columns: Sequence[Column]) -> Iterator[Row]:
        """Yields what the table and its indexes still lead to, by row number."""
        read = ", ".join(column.as_declared() for column in columns)
        for seq in sorted(self._keys(table)):
            yield from self.readable(f"SELECT {read} FROM {table} NOT INDEXED WHERE seq = ?", seq)

    def strays(self, table: str, columns: Sequence[Column]) -> Iterator[Row]:
        """Yields all rows that look like this table's, wherever in the file they are.

        A damaged page of pointers hides every row below it. So each page with rows is made the root of the
        table in turn, in a transaction that is undone (70 µs a page).
        """
        names = ", ".join(column.name for column in columns)
        fits = " AND ".join(column.fits() for column in columns)
        self._drain("PRAGMA wal_checkpoint(TRUNCATE)")
        self._drain("BEGIN IMMEDIATE")
        version = next(self.readable("PRAGMA schema_version"), (0,))[0]
        for number, page in enumerate(self._leaf_pages(), start=1):
            self._drain("UPDATE sqlite_master SET rootpage = ? WHERE name = ?", page, table)
            self._drain(f"PRAGMA schema_version = {version + number}")
            yield from self.readable(f"SELECT {names} FROM {table} NOT INDEXED WHERE {fits}")
        self._drain("ROLLBACK")

    def readable(self, sql: str, *parameters: int | str) -> Iterator[Row]:
        """Yields rows up to where the damage begins."""
        with suppress(sqlite3.Error):
            yield from self._source.execute(sql, parameters)

    def _keys(self, table: str) -> set[int]:
        indexes = [f"INDEXED BY {row[1]}" for row in self.readable(f"PRAGMA index_list({table})")]
        ways = ["NOT INDEXED ORDER BY seq", "NOT INDEXED ORDER BY seq DESC", *indexes]
        found = (row[0] for way in ways for row in self.readable(f"SELECT seq FROM {table} {way}"))
        return {seq for seq in found if type(seq) is int}

    def _leaf_pages(self) -> Iterator[int]:
        size = next(self.readable("PRAGMA page_size"), (4096,))[0]
        with self._path.open("rb") as file:
            for page in range(2, self._path.stat().st_size // size + 1):  # the first is the schema's
                file.seek((page - 1) * size)
                if file.read(1) == _TABLE_LEAF:
                    yield page

    def _drain(self, sql: str, *parameters: int | str) -> None:
        for _ in self.readable(sql, *parameters):
            pass
