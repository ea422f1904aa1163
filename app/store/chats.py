"""Chats without their messages: listed by time, found by text, put in the trash and brought back."""

from __future__ import annotations

from app.domain.chat import Chat
from app.errors import BugError
from app.store.database import Database
from app.store.rows import CHAT_COLUMNS, chat_row, read_chat
from app.store.search import TextIndex, chats_matching

_PLACES = ", ".join("?" * len(CHAT_COLUMNS.split(", ")))
_SETS = ", ".join(f"{column} = ?" for column in CHAT_COLUMNS.split(", ")[1:])


class ChatTable:
    """A chat with `deleted_ms` set is in the trash: not listed, not found, but there with its messages."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._titles = TextIndex(database, "title_index")
        self._texts = TextIndex(database, "message_index")

    def add(self, chat: Chat) -> bool:
        """Adds a chat. Returns False, and changes nothing, when its id is there already."""
        sql = (
            f"INSERT INTO chats ({CHAT_COLUMNS}) VALUES ({_PLACES}) ON CONFLICT (id) DO NOTHING RETURNING seq"
        )
        with self._database.write():
            row = self._database.one(sql, chat_row(chat))
            if row is None:
                return False
            self._titles.put(row[0], chat.title)
        return True

    def get(self, chat_id: str) -> Chat | None:
        """Returns a chat, also when it is in the trash."""
        row = self._database.one(f"SELECT {CHAT_COLUMNS} FROM chats WHERE id = ?", (chat_id,))
        return None if row is None else read_chat(row)

    def update(self, chat: Chat) -> None:
        """Sets a chat whole."""
        with self._database.write():
            self.update_within(chat)

    def update_within(self, chat: Chat) -> None:
        """`update` inside the caller's transaction."""
        before = self._database.one("SELECT seq, title FROM chats WHERE id = ?", (chat.id,))
        if before is None:
            raise BugError(f"no chat {chat.id} to update")
        row = chat_row(chat)
        self._database.execute(f"UPDATE chats SET {_SETS} WHERE id = ?", (*row[1:], chat.id))
        seq, title = before
        if title != chat.title:
            self._titles.remove(seq, title)
            self._titles.put(seq, chat.title)

    def page(self, *, before_ms: int | None = None, limit: int = 200, deleted: bool = False) -> list[Chat]:
        """Returns chats by `updated_ms`, newest first, those before `before_ms`; `deleted`: the trash."""
        return self._page("deleted_ms IS NOT NULL" if deleted else "deleted_ms IS NULL", (), before_ms, limit)

    def search(self, query: str, limit: int = 200, before_ms: int | None = None) -> list[Chat]:
        """Returns the chats whose title, or one of whose messages, has all words of `query`, newest first."""
        matching = chats_matching(query)
        if matching is None:
            return []
        condition, parameters = matching
        return self._page(f"deleted_ms IS NULL AND {condition}", parameters, before_ms, limit)

    def purge_deleted(self, before_ms: int) -> list[str]:
        """Erases for good what was put in the trash before `before_ms`; returns the ids."""
        rows = self._database.rows("SELECT id FROM chats WHERE deleted_ms < ?", (before_ms,))
        for (chat_id,) in rows:
            self._erase(chat_id)
        return [chat_id for (chat_id,) in rows]

    def _page(
        self, condition: str, parameters: tuple[str, ...], before_ms: int | None, limit: int
    ) -> list[Chat]:
        if before_ms is not None:
            condition += " AND updated_ms < ?"
        rows = self._database.rows(
            f"SELECT {CHAT_COLUMNS} FROM chats WHERE {condition} ORDER BY updated_ms DESC, seq DESC LIMIT ?",
            (*parameters, *(() if before_ms is None else (before_ms,)), limit),
        )
        return [read_chat(row) for row in rows]

    def _erase(self, chat_id: str) -> None:
        texts = "SELECT seq, content FROM messages WHERE chat_id = ? AND status <> 'streaming'"
        with self._database.write():
            for seq, content in self._database.each(texts, (chat_id,)):
                self._texts.remove(seq, content)
            for seq, title in self._database.rows("SELECT seq, title FROM chats WHERE id = ?", (chat_id,)):
                self._titles.remove(seq, title)
            self._database.execute("DELETE FROM chats WHERE id = ?", (chat_id,))
