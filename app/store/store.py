"""Everything Cove keeps: chats, messages, the library's index and the transfer queue, in one file.

Promises: what a call returned from is there after any process dies (see `MessageTable` for what survives the
machine); a file that cannot be read is copied aside, never erased. One thread uses a store.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from app.domain.notice import Notice
from app.store import migrations, search
from app.store.chats import ChatTable
from app.store.database import Database
from app.store.library import ModelTable
from app.store.messages import MessageTable
from app.store.transfers import TransferTable


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
        """Opens the file, or makes it. Raises KnownError: STORE_TOO_NEW, HOME_NOT_WRITABLE, DISK_FULL."""
        database = Database(path)
        try:
            migrations.migrate(database)
            search.ensure_current(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Harmless when repeated."""
        self._database.close()
