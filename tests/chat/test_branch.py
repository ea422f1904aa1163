"""What is read of a branch: all of it, or from where the answer before had to begin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.chat.branch import BranchReader
from app.chat.context import MAX_CHARS_PER_TOKEN, Shown
from app.domain.chat import Message, MessageStatus, Role
from app.domain.context import ContextPolicy, Reading
from app.domain.model import Model
from app.store import Store
from tests.store.makers import chat, fill, message

STOP, ROLL = ContextPolicy
MODEL = Model(id="m", name="M", path="/m.gguf", size_bytes=1, context_tokens=512)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "cove.db")
    yield store
    store.close()


def mark(store: Store, message_id: str, reading: Reading) -> None:
    found = store.messages.get(message_id)
    assert found is not None
    store.messages.finish(msgspec.structs.replace(found, reading=reading))


def draft(parent_id: str) -> Message:
    return message("draft", parent_id, content="And now?")


def shown(store: Store, head: str, policy: ContextPolicy = ROLL, loaded_tokens: int = 0) -> Shown:
    return BranchReader(store.messages).for_draft(chat(), draft(head), MODEL, policy, loaded_tokens)


def ids(shown: Shown) -> list[str]:
    return [turn.id for turn in shown.turns]


def test_all_is_read_until_something_was_left_out(store: Store) -> None:
    made = fill(store, 8)
    assert ids(shown(store, made[-1])) == [*made, "draft"]
    mark(store, made[5], Reading(left_out=4, from_id=made[4], context_tokens=512))
    assert ids(shown(store, made[5])) == [*made[4:6], "draft"]
    assert shown(store, made[5]).left_out == 4
    assert ids(shown(store, made[3])) == [*made[:4], "draft"]  # a branch from before


def test_all_is_tried_again_when_it_may_fit_or_nothing_may_be_left_out(store: Store) -> None:
    made = fill(store, 8)
    mark(store, made[7], Reading(left_out=4, from_id=made[4], context_tokens=512))
    assert ids(shown(store, made[7], loaded_tokens=512)) == [*made[4:], "draft"]
    assert ids(shown(store, made[7], loaded_tokens=4096)) == [*made, "draft"]
    assert ids(shown(store, made[7], policy=STOP)) == [*made, "draft"]


def test_an_answer_is_gone_on_with_as_it_was_begun(store: Store) -> None:
    made = fill(store, 5)
    answer = message("a", made[-1], role=Role.ASSISTANT, status=MessageStatus.STREAMING)
    reader = BranchReader(store.messages)
    assert ids(reader.for_answer(chat(), answer, MODEL, ROLL, 0)) == made
    begun = msgspec.structs.replace(answer, content="So", reading=Reading(left_out=2, from_id=made[2]))
    assert ids(reader.for_answer(chat(), begun, MODEL, ROLL, 0)) == made[2:]


def test_what_could_never_fit_is_not_read_but_counted(store: Store) -> None:
    made = fill(store, 300, text="x" * (512 * MAX_CHARS_PER_TOKEN // 100))
    for policy in (ROLL, STOP):
        found = shown(store, made[-1], policy)
        assert found.left_out > 0
        assert ids(found) == [*made[found.left_out :], "draft"]
        assert found.turns[0].role is Role.USER
