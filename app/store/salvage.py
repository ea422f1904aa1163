"""Puts what can still be read of a damaged database into a new one that takes its place.

Promises: the damaged file (and its log of late writes) is copied aside whole before anything else; a message
whose text is lost is kept as an empty one where its place in the tree is known, so that what stood before and
after it can still be reached.
"""

from __future__ import annotations

import logging
import shutil
from contextlib import closing
from pathlib import Path

from app.domain.ids import now_ms
from app.domain.notice import Fact, Notice, NoticeCode
from app.store import migrations
from app.store.database import Database, storage_error, suspect_mark, sync_file
from app.store.schema import CHAT_SHIFT
from app.store.wreck import Column, Row, Wreck

log = logging.getLogger(__name__)

_LATE_WRITES = "-wal"
_TABLES = "SELECT name FROM sqlite_master WHERE sql LIKE '%seq INTEGER PRIMARY KEY%' ORDER BY rootpage"
_PRECIOUS = ("chats", "messages")

_PLACES = "SELECT seq, id, chat_id, parent_id, role FROM messages INDEXED BY messages_by_chat"
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
    fresh = path.with_name(f"{path.name}.part")
    try:
        _copy_aside(path, backup)
        _remove(fresh)
        kept = _salvage(path, fresh)
        _take_place(fresh, path)
    except OSError as error:
        raise storage_error(path, error) from error
    log.info("Rescued %d messages of a damaged database; it is kept as %s", kept, backup.name)
    facts: dict[str, Fact] = {"path": str(path), "backup": str(backup), "kept_messages": kept}
    return Notice(code=NoticeCode.STORE_DAMAGED, facts=facts)


def _copy_aside(path: Path, backup: Path) -> None:
    try:
        for suffix in ("", _LATE_WRITES):
            source, target = Path(f"{path}{suffix}"), Path(f"{backup}{suffix}")
            if source.exists():
                shutil.copyfile(source, target)
                target.chmod(0o600)
                sync_file(target)
    except BaseException:
        _remove(backup)
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
    with closing(Wreck(path)) as wreck, closing(fresh):
        newest = len(migrations.STEPS)
        version = wreck.version()
        migrations.upgrade(fresh, migrations.STEPS[: version if 1 <= version <= newest else newest])
        fresh.execute("PRAGMA foreign_keys = OFF")
        with fresh.write(durable=True):
            _copy(wreck, fresh)
            for statement in _MEND:
                fresh.execute(statement)
        return fresh.number("SELECT count(*) FROM messages")


def _copy(wreck: Wreck, fresh: Database) -> None:
    """Best first: a row that is there already is not replaced."""
    tables = {table: _columns(fresh, table) for (table,) in fresh.rows(_TABLES)}
    for table, columns in tables.items():
        for row in wreck.rows(table, columns):
            _insert(fresh, table, row)
    for table in _PRECIOUS:
        for row in wreck.strays(table, tables[table]):
            _insert(fresh, table, row)
    for row in wreck.readable(_PLACES):
        fresh.execute(_KEEP_PLACE, row)


def _insert(fresh: Database, table: str, row: Row) -> None:
    fresh.execute(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def _columns(fresh: Database, table: str) -> list[Column]:
    return [Column(row[1], row[2], bool(row[3])) for row in fresh.rows(f"PRAGMA table_info({table})")]
