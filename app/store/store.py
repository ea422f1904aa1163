"""Everything Cove keeps: chats, messages, the library's index and the transfer queue, in one file.

Promises: what a call returned from is there after any process dies (see `MessageTable` for what survives the
machine); a file that cannot be read is copied aside, never erased. One thread uses a store.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from app.domain.ids import now_ms
from app.domain.notice import Notice, NoticeCode
from app.errors import KnownError
from app.store import migrations, salvage, search
from app.store.chats import ChatTable
from app.store.database import Database, mark_suspect, suspect_mark
from app.store.library import ModelTable
from app.store.messages import MessageTable
from app.store.transfers import TransferTable

_CHECKED_AT_ONCE_BYTES = 32 * 1024 * 1024  # about 16 ms


class Store:
    """`notices` is what a person should know about the opening."""

    def __init__(self, database: Database, notices: tuple[Notice, ...] = ()) -> None:
        self._database = database
        self.notices = notices
        self.chats = ChatTable(database)
        self.messages = MessageTable(database, self.chats)
        self.library = ModelTable(database)
        self.transfers = TransferTable(database)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Opens the file, or makes it. Raises KnownError: STORE_TOO_NEW, HOME_NOT_WRITABLE, DISK_FULL.

        A damaged file is copied aside and what can be read of it is kept; `notices` says so then.
        """
        try:
            return cls(_open_sound(path))
        except KnownError as error:
            if error.notice.code is not NoticeCode.STORE_DAMAGED:
                raise
        notice = salvage.rescue(path)
        return cls(_open_sound(path), (notice,))

    def check(self) -> bool:
        """Reads the whole file (200 ms for 400 MB) and says whether it is sound; if not, the next `open` will
        rescue what there is. `open` does this by itself for a small file."""
        is_sound = self._database.is_sound()
        if not is_sound:
            mark_suspect(self._database.path)
        return is_sound

    def close(self) -> None:
        """Harmless when repeated."""
        self._database.close()


def _leave_a_trace(database: Database) -> None:
    """Writes something, so that a disk that takes nothing is noticed now and not when a person has typed."""
    with database.write():
        database.execute(
            "INSERT OR REPLACE INTO facts (key, value) VALUES ('opened_ms', ?)", (str(now_ms()),)
        )


def _open_sound(path: Path) -> Database:
    database = Database(path)
    try:
        migrations.migrate(database)
        is_suspect = suspect_mark(path).exists()
        if (is_suspect or path.stat().st_size <= _CHECKED_AT_ONCE_BYTES) and not database.is_sound():
            raise KnownError.of(NoticeCode.STORE_DAMAGED, path=str(path), backup="")
        _leave_a_trace(database)
        search.ensure_current(database, is_suspect=is_suspect)
        suspect_mark(path).unlink(missing_ok=True)
    except BaseException:
        database.close()
        raise
    return database
