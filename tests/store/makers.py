"""Chats and messages for tests: plain ones by number, and hypothesis's strangest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from app.domain.chat import Chat, Message, MessageStatus, Role
from app.domain.context import ContextPolicy, Reading
from app.domain.generation import Sampling, StopReason, Timings
from app.domain.notice import Action, Notice, NoticeCode
from app.store import Store

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
TURNS = (Role.USER, Role.ASSISTANT)


def chat(chat_id: str = "c", **fields: Any) -> Chat:
    return Chat(**{"id": chat_id, "created_ms": 1, "updated_ms": 1, **fields})


def message(message_id: str = "m", parent_id: str | None = None, **fields: Any) -> Message:
    return Message(
        **{
            "id": message_id,
            "chat_id": "c",
            "role": Role.USER,
            "created_ms": 1,
            "parent_id": parent_id,
            **fields,
        }
    )


def streaming(message_id: str = "a", parent_id: str | None = None, **fields: Any) -> Message:
    return message(message_id, parent_id, role=Role.ASSISTANT, status=MessageStatus.STREAMING, **fields)


def fill(store: Store, count: int, chat_id: str = "c", text: str = "word {number}") -> list[str]:
    """Makes a chat with one branch of `count` messages and returns their ids, oldest first."""
    ids = [f"{chat_id}-{number}" for number in range(count)]
    store.chats.add(chat(chat_id, head_id=ids[-1]))
    store.messages.add_all(
        message(
            message_id,
            ids[number - 1] if number else None,
            chat_id=chat_id,
            role=TURNS[number % 2],
            content=text.format(number=number),
        )
        for number, message_id in enumerate(ids)
    )
    return ids


_counts = st.integers(0, 2**53)
_names = st.text(max_size=20)
_texts = st.text(max_size=200)
_numbers = st.floats(allow_nan=False, allow_infinity=False)
_maybe_name = st.none() | _names

samplings = st.builds(
    Sampling,
    temperature=_numbers,
    top_k=_counts,
    top_p=_numbers,
    min_p=_numbers,
    seed=st.none() | _counts,
    max_tokens=st.none() | _counts,
    stop=st.lists(_names, max_size=3).map(tuple),
)
timings = st.builds(Timings, cache_n=_counts, prompt_n=_counts, prompt_ms=_numbers, predicted_n=_counts)
notices = st.builds(
    Notice,
    code=st.sampled_from(NoticeCode),
    facts=st.dictionaries(_names, _names | _counts | st.booleans(), max_size=3),
    actions=st.lists(st.sampled_from(Action), max_size=3).map(tuple),
)
chats = st.builds(
    Chat,
    id=st.just("c"),
    created_ms=_counts,
    updated_ms=_counts,
    title=_texts,
    head_id=st.none(),
    model_id=_maybe_name,
    system_prompt=_texts,
    sampling=samplings,
    deleted_ms=st.none() | _counts,
    context_policy=st.none() | st.sampled_from(ContextPolicy),
)
messages = st.builds(
    Message,
    id=st.just("m"),
    chat_id=st.just("c"),
    role=st.sampled_from(Role),
    created_ms=_counts,
    parent_id=st.none(),
    content=_texts,
    reasoning=_texts,
    status=st.sampled_from(MessageStatus),
    model_id=_maybe_name,
    turn_id=_maybe_name,
    timings=st.none() | timings,
    stop_reason=st.none() | st.sampled_from(StopReason),
    notice=st.none() | notices,
    reading=st.none() | st.builds(Reading, left_out=_counts, from_id=_names, reread_n=_counts),
)
