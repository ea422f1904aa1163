"""The tables as version 1 made them, and what later ones added. Never edited once released: a change is a new
step of `migrations.py`.

A message's row is whole in itself (its text, its place in the tree), so that whatever rows survive a damaged
disk still make sense. An answer on its way keeps its growth in `chunks`, one row each half second.
The two indexes hold no text of their own (`content=''`): a row is taken out by giving FTS5 the same folded
text again. So a message is indexed exactly while its status is not `streaming`, with the text of its row.

A message's `seq` is its chat's `seq` in the upper bits and a count in the lower: a chat's messages lie
together on the disk, and a hit in the index tells its chat without looking anything up (3 ms against 60 for a
word that two thirds of 100,000 messages have). An index of one-letter prefixes costs a third of the index's
size and takes one letter typed from 47 ms to 3; longer ones cost more and gain nothing that is felt.
"""

from __future__ import annotations

CHAT_SHIFT = 32
_TOKENIZER = "unicode61 remove_diacritics 0 categories 'L* N* M* So Co'"  # what folding leaves is a term
_INDEX = f"fts5(body, content='', prefix='1', tokenize=\"{_TOKENIZER}\")"

VERSION_1: tuple[str, ...] = (
    "CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE chats (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        created_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL,
        title TEXT NOT NULL,
        head_id TEXT,
        model_id TEXT,
        system_prompt TEXT NOT NULL,
        sampling TEXT NOT NULL,
        deleted_ms INTEGER
    )""",
    "CREATE INDEX chats_by_time ON chats (updated_ms)",
    "CREATE INDEX chats_in_trash ON chats (deleted_ms) WHERE deleted_ms IS NOT NULL",
    """CREATE TABLE messages (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        chat_id TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
        parent_id TEXT,
        role TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        status TEXT NOT NULL,
        model_id TEXT,
        turn_id TEXT,
        timings TEXT,
        stop_reason TEXT,
        notice TEXT,
        content TEXT NOT NULL,
        reasoning TEXT NOT NULL
    )""",
    # Covers the outline, so that a chat's shape is read without its texts.
    "CREATE INDEX messages_by_chat ON messages (chat_id, seq, id, parent_id, role)",
    "CREATE INDEX messages_streaming ON messages (seq) WHERE status = 'streaming'",
    """CREATE TABLE chunks (
        seq INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
        content TEXT NOT NULL,
        reasoning TEXT NOT NULL
    )""",
    "CREATE INDEX chunks_by_message ON chunks (message_id)",
    "CREATE TABLE models (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, value TEXT NOT NULL)",
    "CREATE TABLE transfers (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, value TEXT NOT NULL)",
    f"CREATE VIRTUAL TABLE title_index USING {_INDEX}",
    f"CREATE VIRTUAL TABLE message_index USING {_INDEX}",
)

# What of a chat is read when not all of it fits.
VERSION_2: tuple[str, ...] = (
    "ALTER TABLE chats ADD COLUMN context_policy TEXT",
    "ALTER TABLE messages ADD COLUMN reading TEXT",
)
