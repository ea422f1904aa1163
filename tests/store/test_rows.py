"""What cannot be read as it should is read as something harmless: a chat always opens."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.chat import Message, MessageStatus, Role
from app.domain.context import ContextPolicy
from app.domain.generation import Sampling, StopReason
from app.store import Store
from app.store.rows import clean
from tests.store.makers import chat, message, messages

SAME_STORE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)


@SAME_STORE
@given(messages)
def test_a_message_comes_back_as_it_was(store: Store, value: Message):
    store.chats.add(chat())
    store.messages.add(message())
    store.messages.finish(value)
    assert store.messages.get("m") == value


@pytest.mark.parametrize(
    ("column", "found", "field", "read"),
    [
        ("role", "oracle", "role", Role.SYSTEM),
        ("status", "pondering", "status", MessageStatus.COMPLETE),
        ("stop_reason", "bored", "stop_reason", StopReason.END),
        ("timings", '{"cache_n": "many"}', "timings", None),
        ("notice", '{"code": "from-the-future"}', "notice", None),
        ("reading", '{"left_out": 3}', "reading", None),
    ],
)
def test_a_newer_word_in_a_message_is_read_as_a_default(store: Store, column, found, field, read):
    store.chats.add(chat())
    store.messages.add(message(content="kept"))
    store._database.execute(f"UPDATE messages SET {column} = ?", (found,))
    value = store.messages.get("m")
    assert value is not None
    assert value.content == "kept"
    assert getattr(value, field) == read


def test_sampling_that_cannot_be_read_is_the_default(store: Store):
    store.chats.add(chat(title="kept"))
    store._database.execute("UPDATE chats SET sampling = 'hot'")
    assert store.chats.get("c") == chat(title="kept", sampling=Sampling())


def test_a_policy_of_a_newer_version_is_left_to_the_settings(store: Store):
    store.chats.add(chat(context_policy=ContextPolicy.STOP))
    assert store.chats.get("c") == chat(context_policy=ContextPolicy.STOP)
    store._database.execute("UPDATE chats SET context_policy = 'summarise'")
    assert store.chats.get("c") == chat()


@given(st.text(st.characters(exclude_categories=())))
def test_text_no_file_can_hold_is_made_storable(text):
    assert isinstance(clean(text).encode(), bytes)
    assert clean(clean(text)) == clean(text)


def test_a_message_with_half_a_character_is_kept(store: Store):
    store.chats.add(chat(title="title\udc80"))
    store.messages.add(message(content="before \ud83d after"))
    store.messages.finish(message(content="again \ud83d after"))
    assert store.messages.get("m") == message(content="again ? after")
    assert store.chats.search("again after")
    assert not store.chats.search("before")
