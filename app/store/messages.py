"""Messages as a tree: added whole, or grown chunk by chunk and then finished; read by the branch or all."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from app.domain.chat import Chat, Message, MessageStatus, Outline
from app.domain.value import to_json
from app.errors import BugError
from app.store.chats import ChatTable
from app.store.database import Database, Row
from app.store.rows import MESSAGE_COLUMNS, clean, message_row, read_message
from app.store.schema import CHAT_SHIFT
from app.store.search import TextIndex

_PLACES = ", ".join("?" * len(MESSAGE_COLUMNS.split(", ")))
_SETS = ", ".join(f"{column} = ?" for column in MESSAGE_COLUMNS.split(", ")[1:])
_QUALIFIED = ", ".join(f"m.{column}" for column in MESSAGE_COLUMNS.split(", "))
_STREAMING = MessageStatus.STREAMING

# Walks from a message to its root. Rows come one by one, so a reader that stops early has read no more.
_PATH = """WITH RECURSIVE path (id, parent_id) AS (
    SELECT id, parent_id FROM messages WHERE id = ?
    UNION ALL
    SELECT m.id, m.parent_id FROM path CROSS JOIN messages AS m ON m.id = path.parent_id
)"""


class MessageTable:
    """Promises: `add`, `add_turn` and `finish` are on the disk when they return; `append` is safe from the
    death of any process, but not from that of the machine. A message is found by search once it has ended."""

    def __init__(self, database: Database, chats: ChatTable) -> None:
        self._database = database
        self._chats = chats
        self._index = TextIndex(database, "message_index")

    def add(self, message: Message) -> bool:
        """Adds a message. Returns False, and changes nothing, when its id is there already."""
        with self._database.write(durable=True):
            return self._insert(message)

    def add_all(self, messages: Iterable[Message]) -> None:
        """Adds many messages, parents first, all or nothing; those that are there already are left alone."""
        with self._database.write(durable=True):
            for message in messages:
                self._insert(message)

    def add_turn(self, message: Message | None, answer: Message, chat: Chat) -> None:
        """Adds a person's message (None: an answer to one that is there), the answer about to stream, and
        sets the chat, all or nothing."""
        with self._database.write(durable=True):
            for new in (message, answer):
                if new is not None and not self._insert(new):
                    raise BugError(f"message {new.id} is there already")
            self._chats.update_within(chat)

    def get(self, message_id: str) -> Message | None:
        sql = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE id = ?"
        row = self._database.one(sql, (message_id,))
        return None if row is None else self._read(row)

    def append(self, message_id: str, content: str, reasoning: str = "") -> None:
        """Adds text to a streaming message."""
        sql = """INSERT INTO chunks (message_id, content, reasoning)
            SELECT id, ?, ? FROM messages WHERE id = ? AND status = 'streaming'"""
        with self._database.write():
            if not self._database.execute(sql, (clean(content), clean(reasoning), message_id)):
                raise BugError(f"message {message_id} is not streaming")

    def finish(self, message: Message) -> None:
        """Sets a message whole, its chunks gone. With status STREAMING it is opened for more chunks."""
        with self._database.write(durable=True):
            self._set(message)

    def branch(
        self, head_id: str, *, before_id: str | None = None, limit: int = 100, max_bytes: int = 500_000
    ) -> tuple[list[Message], bool]:
        """Returns the last page of the branch that ends at `head_id` (or just above `before_id`), oldest
        first, and whether there is more above it. At least one message, however large."""
        sql = f"{_PATH} SELECT {_QUALIFIED} FROM path CROSS JOIN messages AS m ON m.id = path.id"
        start = head_id if before_id is None else self._parent(before_id)
        if start is None:
            return [], False
        page, has_more = self._page(self._database.each(sql, (start,)), limit, max_bytes)
        return page[::-1], has_more

    def path_ids(self, head_id: str) -> list[str]:
        """Returns the ids from the root to `head_id`."""
        rows = self._database.rows(f"{_PATH} SELECT id FROM path", (head_id,))
        return [row[0] for row in reversed(rows)]

    def outline(self, chat_id: str, limit: int = 10_000) -> Outline:
        """Returns the shape of a chat's tree: its newest `limit` messages, oldest first."""
        sql = "SELECT id, parent_id, role FROM messages WHERE chat_id = ? ORDER BY seq DESC LIMIT ?"
        rows = self._database.rows(sql, (chat_id, limit + 1))
        is_whole = len(rows) <= limit
        rows = rows[:limit][::-1]
        places = {row[0]: place for place, row in enumerate(rows)}
        return Outline(
            ids=tuple(places),
            parents=tuple(places.get(row[1], -1) for row in rows),
            roles="".join(row[2][0] for row in rows),
            is_whole=is_whole,
        )

    def tree(
        self, chat_id: str, after_id: str | None = None, limit: int = 100, max_bytes: int = 500_000
    ) -> tuple[list[Message], bool]:
        """Returns a page of all messages of a chat in the order they were added, those after `after_id`, and
        whether there is more."""
        after = self._database.number("SELECT seq FROM messages WHERE id = ?", (after_id,))
        sql = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE chat_id = ? AND seq > ? ORDER BY seq"
        return self._page(self._database.each(sql, (chat_id, after)), limit, max_bytes)

    def recover(self) -> list[Message]:
        """Ends what a dead host left streaming as INTERRUPTED, every stored character kept; returns it."""
        rows = self._database.rows(f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE status = 'streaming'")
        ended = [msgspec.structs.replace(self._read(row), status=MessageStatus.INTERRUPTED) for row in rows]
        if ended:
            with self._database.write(durable=True):
                for message in ended:
                    self._set(message)
        return ended

    def _insert(self, message: Message) -> bool:
        self._check_parent(message)
        seq = self._next_seq(message)
        sql = (
            f"INSERT INTO messages (seq, {MESSAGE_COLUMNS}) VALUES (?, {_PLACES}) ON CONFLICT (id) DO NOTHING"
        )
        if not self._database.execute(sql, (seq, *message_row(message))):
            return False
        if message.status is not _STREAMING:
            self._index.put(seq, message.content)
        return True

    def _next_seq(self, message: Message) -> int:
        chat_seq = self._database.number("SELECT seq FROM chats WHERE id = ?", (message.chat_id,))
        if not chat_seq:
            raise BugError(f"message {message.id} has no chat {message.chat_id}")
        first = chat_seq << CHAT_SHIFT
        sql = "SELECT max(seq) FROM messages WHERE seq BETWEEN ? AND ?"
        return max(first, self._database.number(sql, (first, first + (1 << CHAT_SHIFT) - 1))) + 1

    def _set(self, message: Message) -> None:
        before = self._database.one("SELECT seq, status, content FROM messages WHERE id = ?", (message.id,))
        if before is None:
            raise BugError(f"no message {message.id} to finish")
        seq, status, content = before
        if status != _STREAMING.value:
            self._index.remove(seq, content)
        row = message_row(message)
        self._database.execute(f"UPDATE messages SET {_SETS} WHERE id = ?", (*row[1:], message.id))
        self._database.execute("DELETE FROM chunks WHERE message_id = ?", (message.id,))
        if message.status is not _STREAMING:
            self._index.put(seq, message.content)

    def _check_parent(self, message: Message) -> None:
        if message.parent_id is None:
            return
        row = self._database.one("SELECT chat_id FROM messages WHERE id = ?", (message.parent_id,))
        if row != (message.chat_id,):
            raise BugError(f"message {message.id} has no parent {message.parent_id} in its chat")

    def _parent(self, message_id: str) -> str | None:
        row = self._database.one("SELECT parent_id FROM messages WHERE id = ?", (message_id,))
        return None if row is None else row[0]

    def _page(self, rows: Iterable[Row], limit: int, max_bytes: int) -> tuple[list[Message], bool]:
        page: list[Message] = []
        used = 0
        for row in rows:
            message = self._read(row)
            used += len(to_json(message))
            if page and (len(page) >= limit or used > max_bytes):
                return page, True
            page.append(message)
        return page, False

    def _read(self, row: Row) -> Message:
        message = read_message(row)
        if message.status is not _STREAMING:
            return message
        chunks = self._database.rows(
            "SELECT content, reasoning FROM chunks WHERE message_id = ? ORDER BY seq", (message.id,)
        )
        return msgspec.structs.replace(
            message,
            content=message.content + "".join(content for content, _ in chunks),
            reasoning=message.reasoning + "".join(reasoning for _, reasoning in chunks),
        )
