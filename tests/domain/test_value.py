from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from app.domain.chat import Chat, Message, Role
from app.domain.value import Value, from_json, to_json
from tests.store.makers import chat, chats, messages


class Box(Value):
    size: int
    label: str = ""


@given(chats)
def test_a_chat_survives_its_json(value: Chat):
    assert from_json(to_json(value), Chat) == value


@given(messages)
def test_a_message_survives_its_json(value: Message):
    assert from_json(to_json(value), Message) == value


def test_defaults_are_left_out_and_unknown_fields_ignored():
    assert to_json(Box(size=1)) == b'{"size":1}'
    assert from_json('{"size": 1, "colour": "red"}', Box) == Box(size=1)


@pytest.mark.parametrize(
    "data", ["", "{", "[]", "{}", '{"size": "big"}', '{"size": 1, "label": null}', b"\xff"]
)
def test_what_does_not_fit_is_a_value_error(data):
    with pytest.raises(ValueError):
        from_json(data, Box)


def test_values_cannot_be_changed_and_have_no_positions():
    box = Box(size=1)
    with pytest.raises(AttributeError):
        box.size = 2
    with pytest.raises(TypeError):
        Box(1)
    assert msgspec.structs.replace(box, size=2) == Box(size=2)
    assert hash(chat()) == hash(chat())


def test_a_role_is_its_word():
    assert to_json(Role.USER) == b'"user"'
