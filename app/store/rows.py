"""Values to rows and back. What a newer version wrote in a way not known here is read as a default."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from app.domain.chat import Chat, Message, MessageStatus, Role
from app.domain.context import ContextPolicy, Reading
from app.domain.generation import Sampling, StopReason, Timings
from app.domain.notice import Notice
from app.domain.value import Value, from_json, to_json
from app.store.database import Parameters, Row

V = TypeVar("V", bound=Value)
E = TypeVar("E", bound=StrEnum)
D = TypeVar("D", bound=StrEnum | None)

CHAT_COLUMNS = (
    "id, created_ms, updated_ms, title, head_id, model_id, system_prompt, sampling, deleted_ms,"
    " context_policy"
)
MESSAGE_COLUMNS = (
    "id, chat_id, parent_id, role, created_ms, status, model_id, turn_id, timings, stop_reason, notice,"
    " content, reasoning, reading"
)


def chat_row(chat: Chat) -> Parameters:
    return (
        chat.id,
        chat.created_ms,
        chat.updated_ms,
        clean(chat.title),
        chat.head_id,
        chat.model_id,
        clean(chat.system_prompt),
        to_json(chat.sampling).decode(),
        chat.deleted_ms,
        chat.context_policy and chat.context_policy.value,
    )


def read_chat(row: Row) -> Chat:
    return Chat(
        id=row[0],
        created_ms=row[1],
        updated_ms=row[2],
        title=row[3],
        head_id=row[4],
        model_id=row[5],
        system_prompt=row[6],
        sampling=_value(row[7], Sampling) or Sampling(),
        deleted_ms=row[8],
        context_policy=row[9] and _member(ContextPolicy, row[9], None),
    )


def message_row(message: Message) -> Parameters:
    return (
        message.id,
        message.chat_id,
        message.parent_id,
        message.role.value,
        message.created_ms,
        message.status.value,
        message.model_id,
        message.turn_id,
        _json(message.timings),
        message.stop_reason and message.stop_reason.value,
        _json(message.notice),
        clean(message.content),
        clean(message.reasoning),
        _json(message.reading),
    )


def read_message(row: Row) -> Message:
    return Message(
        id=row[0],
        chat_id=row[1],
        parent_id=row[2],
        role=_member(Role, row[3], Role.SYSTEM),
        created_ms=row[4],
        status=_member(MessageStatus, row[5], MessageStatus.COMPLETE),
        model_id=row[6],
        turn_id=row[7],
        timings=_value(row[8], Timings),
        stop_reason=row[9] and _member(StopReason, row[9], StopReason.END),
        notice=_value(row[10], Notice),
        content=row[11],
        reasoning=row[12],
        reading=_value(row[13], Reading),
    )


def clean(text: str) -> str:
    """Returns `text` without lone surrogates, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _json(value: Value | None) -> str | None:
    return None if value is None else to_json(value).decode()


def _value(text: str | None, kind: type[V]) -> V | None:
    if text is None:
        return None
    try:
        return from_json(text, kind)
    except ValueError:
        return None


def _member(kind: type[E], text: str, otherwise: D) -> E | D:
    try:
        return kind(text)
    except ValueError:
        return otherwise
