"""A chat as one JSON document: everything Cove knows of it, for people to keep and to take elsewhere.

    {"format": "cove-chat", "version": 1,
     "chat": {"id", "created_ms", "updated_ms", "title", "head_id", "model_id", "system_prompt", "sampling"},
     "messages": [
       {"id", "chat_id", "role", "created_ms", "parent_id", "content", "reasoning", "status", "model_id",
        "turn_id", "timings", "stop_reason", "notice"},
       ...]}

Messages are a tree: each comes after its parent, and `head_id` is the end of the branch the chat was left at.
What is not there has its default (`app/domain/chat.py`). One message a line, so that line tools can work with
it. `version` moves when a reader of the old form would misread the new one; unknown fields are ignored.

Written piece by piece, so memory is bounded by the largest page. Knows nothing of the store or the socket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from app.domain.chat import Chat, Message, MessageStatus
from app.domain.notice import NoticeCode
from app.domain.value import Value, from_json, to_json
from app.errors import KnownError

FORMAT = "cove-chat"
VERSION = 1

V = TypeVar("V", bound=Value)
ReadPage = Callable[[str | None], tuple[Sequence[Message], bool]]


class _Head(Value):
    format: str = ""
    version: int = 0


class _Document(Value):
    chat: Chat
    messages: tuple[Message, ...] = ()


def every_message(read_page: ReadPage) -> Iterator[Message]:
    """Yields all messages of a chat; `read_page(after_id)` returns the next ones and whether more follow."""
    last_id: str | None = None
    has_more = True
    while has_more:
        page, has_more = read_page(last_id)
        yield from page
        last_id = page[-1].id if page else last_id
        has_more = has_more and bool(page)


def write_chat(chat: Chat, messages: Iterable[Message]) -> Iterator[bytes]:
    """Yields the document in pieces. Joined they are one line for the chat and one for each message."""
    yield b'{"format":%s,"version":%d,\n"chat":%s,\n"messages":[' % (to_json(FORMAT), VERSION, to_json(chat))
    separator = b"\n"
    for message in messages:
        yield separator + to_json(message)
        separator = b",\n"
    yield b"\n]}\n"


def read_chat(data: bytes) -> tuple[Chat, tuple[Message, ...]]:
    """Returns what a document holds, checked to be a tree. An answer that was being written is interrupted.

    Raises KnownError: FILE_NOT_A_CHAT, FILE_TOO_NEW.
    """
    head = _decoded(data, _Head)
    if head.format != FORMAT:
        raise _no_chat("format")
    if head.version > VERSION:
        raise KnownError.of(NoticeCode.FILE_TOO_NEW, found=head.version, known=VERSION)
    document = _decoded(data, _Document)
    _check_tree(document)
    return document.chat, tuple(_ended(message) for message in document.messages)


def _decoded(data: bytes, kind: type[V]) -> V:
    try:
        return from_json(data, kind)
    except (ValueError, RecursionError) as error:
        raise _no_chat(str(error)) from error


def _check_tree(document: _Document) -> None:
    seen: set[str | None] = {None}
    for message in document.messages:
        if message.chat_id != document.chat.id or message.id in seen or message.parent_id not in seen:
            raise _no_chat(f"message {message.id}")
        seen.add(message.id)
    if document.chat.head_id not in seen:
        raise _no_chat("head_id")


def _ended(message: Message) -> Message:
    if message.status is not MessageStatus.STREAMING:
        return message
    return msgspec.structs.replace(message, status=MessageStatus.INTERRUPTED)


def _no_chat(detail: str) -> KnownError:
    return KnownError.of(NoticeCode.FILE_NOT_A_CHAT, detail=detail)
