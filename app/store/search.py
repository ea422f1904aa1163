"""The full-text indexes: what is in them and how they are asked.

The index keeps no text, so taking a row out needs the very text that was put in; `rebuild` is for when that
is not to be had (other folding rules, a salvaged file).
"""

from __future__ import annotations

from app.store.database import Database
from app.store.folding import FOLDING, index_text, match_expression
from app.store.schema import CHAT_SHIFT


class TextIndex:
    """One FTS5 table beside the table whose `seq` its rows share."""

    def __init__(self, database: Database, table: str) -> None:
        self._database = database
        self._table = table

    def put(self, seq: int, text: str) -> None:
        self._database.execute(
            f"INSERT INTO {self._table} (rowid, body) VALUES (?, ?)", (seq, index_text(text))
        )

    def remove(self, seq: int, text: str) -> None:
        """Takes a row out; `text` is what was put in."""
        self._database.execute(
            f"INSERT INTO {self._table} ({self._table}, rowid, body) VALUES ('delete', ?, ?)",
            (seq, index_text(text)),
        )

    def clear(self) -> None:
        self._database.execute(f"INSERT INTO {self._table} ({self._table}) VALUES ('delete-all')")


def chats_matching(query: str) -> tuple[str, tuple[str, ...]] | None:
    """Returns the SQL condition on `chats` (and its parameters) for `query`; None if it asks nothing."""
    expression = match_expression(query)
    if not expression:
        return None
    condition = (
        "(seq IN (SELECT rowid FROM title_index WHERE title_index MATCH ?)"
        f" OR seq IN (SELECT DISTINCT rowid >> {CHAT_SHIFT} FROM message_index WHERE message_index MATCH ?))"
    )
    return condition, (expression, expression)


def ensure_current(database: Database, *, is_suspect: bool = False) -> None:
    """Makes the indexes anew if they were made under other folding rules, or may be damaged."""
    if is_suspect or database.one("SELECT value FROM facts WHERE key = 'folding'") != (FOLDING,):
        rebuild(database)


def rebuild(database: Database) -> None:
    """Makes both indexes from the texts, in one transaction."""
    titles, messages = TextIndex(database, "title_index"), TextIndex(database, "message_index")
    with database.write():
        titles.clear()
        messages.clear()
        for seq, title in database.each("SELECT seq, title FROM chats"):
            titles.put(seq, title)
        for seq, content in database.each("SELECT seq, content FROM messages WHERE status <> 'streaming'"):
            messages.put(seq, content)
        database.execute("INSERT OR REPLACE INTO facts (key, value) VALUES ('folding', ?)", (FOLDING,))
