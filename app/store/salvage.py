"""Gets out of a damaged database what can still be read, into a new one that takes its place.

Promises: the damaged file (and its log of late writes) is copied aside whole before anything else; a message
whose row is lost is kept as an empty one where its place in the tree is known, so that what stood before and
after it can still be reached.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from app.domain.ids import now_ms
from app.domain.notice import Notice, NoticeCode
from app.store import migrations
from app.store.database import Database, Row, storage_error, suspect_mark, sync_file
from app.store.schema import CHAT_SHIFT

_LATE_WRITES = "-wal"
_TABLES = "SELECT name FROM sqlite_master WHERE sql LIKE '%seq INTEGER PRIMARY KEY%' ORDER BY rootpage"

_LOST_ROWS = "SELECT seq, id, chat_id, parent_id, role FROM messages INDEXED BY messages_by_chat"
_KEEP_PLACE = """INSERT OR IGNORE INTO messages
    (seq, id, chat_id, parent_id, role, created_ms, status, content, reasoning)
    VALUES (?, ?, ?, ?, ?, 0, 'failed', '', '')"""
_MEND = (
    # A parent that is gone altogether: hang on what was said before in that chat.
    """UPDATE messages SET parent_id = (
        SELECT p.id FROM messages AS p
        WHERE p.chat_id = messages.chat_id AND p.seq < messages.seq ORDER BY p.seq DESC LIMIT 1
    ) WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT id FROM messages)""",
    f"""INSERT OR IGNORE INTO chats (seq, id, created_ms, updated_ms, title, system_prompt, sampling)
        SELECT min(seq) >> {CHAT_SHIFT}, chat_id, min(created_ms), max(created_ms), '', '', '{{}}'
        FROM messages WHERE chat_id NOT IN (SELECT id FROM chats) GROUP BY chat_id""",
    """UPDATE chats SET head_id = (
        SELECT id FROM messages WHERE chat_id = chats.id ORDER BY seq DESC LIMIT 1
    ) WHERE head_id IS NULL OR head_id NOT IN (SELECT id FROM messages)""",
    "DELETE FROM messages WHERE chat_id NOT IN (SELECT id FROM chats)",
    "DELETE FROM chunks WHERE message_id NOT IN (SELECT id FROM messages)",
)


def rescue(path: Path) -> Notice:
    """Replaces the damaged database at `path`. Raises KnownError (no room) with nothing changed."""
    backup = path.with_name(f"{path.stem}.damaged-{now_ms()}{path.suffix}")
    fresh_path = path.with_name(f"{path.name}.part")
    try:
        _copy_aside(path, backup)
        _remove(fresh_path)
        kept = _salvage(path, fresh_path)
        _take_place(fresh_path, path)
    except OSError as error:
        raise storage_error(path, error) from error
    return Notice(
        code=NoticeCode.STORE_DAMAGED,
        facts={"path": str(path), "backup": str(backup), "kept_messages": kept},
    )


def _copy_aside(path: Path, backup: Path) -> None:
    for suffix in (_LATE_WRITES, ""):
        source, target = Path(f"{path}{suffix}"), Path(f"{backup}{suffix}")
        if source.exists():
            try:
                shutil.copyfile(source, target)
                target.chmod(0o600)
                sync_file(target)
            except BaseException:
                target.unlink(missing_ok=True)
                raise


def _take_place(fresh: Path, path: Path) -> None:
    # The old late writes must go first: beside the new file they would be taken for its own.
    for suffix in (_LATE_WRITES, "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    fresh.replace(path)
    suspect_mark(path).unlink(missing_ok=True)


def _remove(path: Path) -> None:
    for suffix in ("", _LATE_WRITES, "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _salvage(path: Path, fresh_path: Path) -> int:
    """Makes a sound database of the same version and returns how many messages it has."""
    fresh = Database(fresh_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as source, closing(fresh):
        source.text_factory = lambda data: data.decode(errors="replace")
        version = _version(source)
        migrations.upgrade(fresh, migrations.STEPS[:version])
        fresh.execute("PRAGMA foreign_keys = OFF")
        with fresh.write(durable=True):
            for (table,) in fresh.rows(_TABLES):
                _copy_table(source, fresh, table)
            for row in _readable(source, _LOST_ROWS):
                fresh.execute(_KEEP_PLACE, row)
            for statement in _MEND:
                fresh.execute(statement)
        return fresh.number("SELECT count(*) FROM messages")


def _version(source: sqlite3.Connection) -> int:
    newest = len(migrations.STEPS)
    found = next(_readable(source, "PRAGMA user_version"), (newest,))[0]
    return found if 1 <= found <= newest else newest


def _copy_table(source: sqlite3.Connection, fresh: Database, table: str) -> None:
    columns = [_column(*row) for row in fresh.rows(f"PRAGMA table_info({table})")]
    read = f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED WHERE seq = ?"
    write = f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(columns))})"
    for seq in sorted(_keys(source, table)):
        for row in _readable(source, read, seq):
            fresh.execute(write, row)


def _column(_place: int, name: str, kind: str, is_required: int, _default: object, _key: int) -> str:
    """Returns the expression that reads a column as what it should be, whatever a flipped bit made of it."""
    cast = f"CAST({name} AS {kind})"
    empty = "''" if kind == "TEXT" else "0"
    return f"coalesce({cast}, {empty})" if is_required else cast


def _keys(source: sqlite3.Connection, table: str) -> set[int]:
    """Returns every row number that the table, read from either end, or one of its indexes still knows."""
    indexes = [f"INDEXED BY {row[1]}" for row in _readable(source, f"PRAGMA index_list({table})")]
    ways = ["NOT INDEXED ORDER BY seq", "NOT INDEXED ORDER BY seq DESC", *indexes]
    keys: set[int] = set()
    for way in ways:
        keys.update(
            row[0] for row in _readable(source, f"SELECT seq FROM {table} {way}") if type(row[0]) is int
        )
    return keys


def _readable(source: sqlite3.Connection, sql: str, *parameters: int) -> Iterator[Row]:
    """Yields rows up to where the damage begins."""
    with suppress(sqlite3.Error):
        yield from source.execute(sql, parameters)
