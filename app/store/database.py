"""One SQLite file in WAL mode: opening it, transactions, and SQLite's errors in Cove's words.

Promises: a transaction is whole or not there; one marked durable is on the disk when it returns; no error of
SQLite leaves this package but as a KnownError (the disk's fault) or BugError (ours). Knows no table.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from app.domain.notice import Action, NoticeCode
from app.errors import BugError, KnownError

Row = tuple[Any, ...]
Parameters = tuple[Any, ...]

# What is deleted is overwritten, so that emptying the trash means it.
_PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON")
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NOT_WRITABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
}
_LOW_BYTES = 1024 * 1024  # a write that fails with less than this left failed for want of room


class Database:
    """A connection. All calls come from the thread that opened it."""

    def __init__(self, path: Path) -> None:
        """Opens (or makes) the file, private to the user. Raises KnownError."""
        self.path = path
        with self._errors():
            _make_private(path)
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=5.0)
        try:
            with self._errors():
                for pragma in _PRAGMAS:
                    self._connection.execute(f"PRAGMA {pragma}").fetchall()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[None]:
        """A transaction around the block; undone whole if the block raises."""
        if self._in_transaction():
            raise BugError("a transaction inside another")
        with self._errors():
            if durable:
                self._connection.execute("PRAGMA synchronous = FULL")
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._in_transaction():
                    self._connection.execute("ROLLBACK")
                if durable:
                    self._connection.execute("PRAGMA synchronous = NORMAL")

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Runs one statement and returns how many rows it changed."""
        with self._errors():
            return self._connection.execute(sql, parameters).rowcount

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        with self._errors():
            return self._connection.execute(sql, parameters).fetchall()

    def each(self, sql: str, parameters: Parameters = ()) -> Iterator[Row]:
        """Yields rows as they are read, for a reader that may stop early."""
        with self._errors():
            yield from self._connection.execute(sql, parameters)

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        with self._errors():
            row: Row | None = self._connection.execute(sql, parameters).fetchone()
            return row

    def number(self, sql: str, parameters: Parameters = ()) -> int:
        row = self.one(sql, parameters)
        return int(row[0] or 0) if row else 0

    def is_sound(self) -> bool:
        """Reads the whole file and says whether its structure holds."""
        return self.rows("PRAGMA quick_check(1)") == [("ok",)]

    def copy_to(self, target: Path) -> None:
        """Writes a consistent copy, whole or not at all. Raises KnownError."""
        temporary = target.with_name(target.name + ".part")
        temporary.unlink(missing_ok=True)
        with self._errors():
            copy = sqlite3.connect(temporary, isolation_level=None)
            try:
                self._connection.backup(copy)
            finally:
                copy.close()
            sync_file(temporary)
            temporary.replace(target)

    def _in_transaction(self) -> bool:
        return self._connection.in_transaction

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raised = known(error, self.path)
            if raised.notice.code is NoticeCode.STORE_DAMAGED:
                mark_suspect(self.path)
            raise raised from error
        except OSError as error:
            raise storage_error(self.path, error) from error


def known(error: sqlite3.Error, path: Path) -> KnownError | BugError:
    """Returns SQLite's error as what a person can act on."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if code in _DAMAGED or "Could not decode" in str(error):  # the latter is Python's, of text in the file
        return KnownError.of(NoticeCode.STORE_DAMAGED, Action.RESTART, path=str(path), backup="")
    if code in _NOT_WRITABLE:
        return storage_error(path)
    return BugError(f"{type(error).__name__}: {error}")


def suspect_mark(path: Path) -> Path:
    """Returns the file whose presence tells the next start to look through the whole database."""
    return path.with_name(f"{path.name}-suspect")


def mark_suspect(path: Path) -> None:
    with suppress(OSError):
        suspect_mark(path).touch(mode=0o600)


def sync_file(path: Path) -> None:
    """Waits until a file's bytes are on the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(path: Path) -> int | None:
    """Returns the room left where `path` lies, None when that cannot be told."""
    try:
        usage = shutil.disk_usage(path.parent)
    except OSError:
        return None
    return usage.free if usage.total else None  # a file system that is no disk says 0 of 0


def _make_private(path: Path) -> None:
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def storage_error(path: Path, error: OSError | None = None) -> KnownError:
    """Returns what is to be said when the disk refused to take something."""
    free = free_bytes(path)
    is_full = free is not None and free < _LOW_BYTES  # SQLite does not tell why it could not write
    if error is not None:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    if is_full:
        return _full(path)
    return KnownError.of(NoticeCode.HOME_NOT_WRITABLE, Action.RETRY, path=str(path.parent))


def _full(path: Path) -> KnownError:
    return KnownError.of(
        NoticeCode.DISK_FULL,
        Action.FREE_DISK,
        Action.RETRY,
        path=str(path.parent),
        needed_bytes=_LOW_BYTES,
        free_bytes=free_bytes(path) or 0,
    )
