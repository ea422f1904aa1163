from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.domain.chat import MAX_MESSAGE_BYTES, MessageStatus, Role
from app.domain.generation import Sampling
from app.domain.ids import new_id
from app.domain.notice import NoticeCode
from app.engine.scripted import ScriptedEngine
from app.errors import KnownError
from app.events import ChatChanged, ChatRemoved
from tests.chat.rig import Rig
from tests.waiting import wait_until


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def refused(code: NoticeCode) -> pytest.RaisesExc[KnownError]:
    return pytest.RaisesExc(KnownError, check=lambda error: error.notice.code is code)


def asked(rig: Rig) -> list[tuple[Role, str]]:
    """What the engine was last asked."""
    assert isinstance(rig.engine, ScriptedEngine)
    return [(message.role, message.content) for message in rig.engine.requests[-1].messages]


def test_the_first_message_titles_the_chat_and_the_branch_is_the_prompt(rig: Rig) -> None:
    first = rig.ended(rig.send("hello there").id)
    second = rig.ended(rig.send("and again", parent_id=first.id).id)

    assert rig.chat().title == "hello there"
    assert rig.chat().head_id == second.id
    assert rig.chat().model_id == "scripted"
    assert asked(rig) == [
        (Role.USER, "hello there"),
        (Role.ASSISTANT, first.content),
        (Role.USER, "and again"),
    ]


def test_editing_a_message_makes_a_branch_that_does_not_see_the_other(rig: Rig) -> None:
    first = rig.ended(rig.send("one").id)
    rig.ended(rig.send("old way", parent_id=first.id).id)
    rig.ended(rig.send("new way", parent_id=first.id).id)
    assert [content for _, content in asked(rig)] == ["one", first.content, "new way"]


def test_regenerate_gives_another_answer_beside_the_first(rig: Rig) -> None:
    first = rig.ended(rig.send("question").id)
    assert first.parent_id is not None
    other = new_id()
    for _ in range(2):  # said twice, done once
        rig.loop.run(lambda: rig.service.regenerate(rig.chat_id, str(first.parent_id), other))
    assert rig.ended(other).parent_id == first.parent_id
    assert rig.chat().head_id == other
    assert asked(rig) == [(Role.USER, "question")]
    with refused(NoticeCode.MESSAGE_NOT_FOUND):  # not a person's message
        rig.loop.run(lambda: rig.service.regenerate(rig.chat_id, other, new_id()))


def test_what_cannot_be_sent_is_refused_and_changes_nothing(rig: Rig) -> None:
    before = rig.chat()
    with refused(NoticeCode.MESSAGE_NOT_FOUND):
        rig.send("text", parent_id="nowhere")
    with refused(NoticeCode.MESSAGE_TOO_LONG):
        rig.send("x" * MAX_MESSAGE_BYTES)
    rig.loop.run(lambda: rig.service.delete(rig.chat_id))
    with refused(NoticeCode.CHAT_NOT_FOUND):
        rig.send("text")
    rig.loop.run(lambda: rig.service.restore(rig.chat_id))
    assert rig.chat() == before


def test_a_chat_is_changed_field_by_field(rig: Rig) -> None:
    rig.loop.run(lambda: rig.service.change(rig.chat_id, title="New", system_prompt="Brief."))
    rig.loop.run(lambda: rig.service.change(rig.chat_id, sampling=Sampling(temperature=0)))
    chat = rig.chat()
    assert (chat.title, chat.system_prompt, chat.sampling.temperature) == ("New", "Brief.", 0)
    rig.ended(rig.send("hi").id)
    assert asked(rig)[0] == (Role.SYSTEM, "Brief.")
    assert rig.chat().title == "New"
    with refused(NoticeCode.MESSAGE_NOT_FOUND):
        rig.loop.run(lambda: rig.service.change(rig.chat_id, head_id="nowhere"))


def test_what_suits_the_model_fills_what_the_chat_leaves_open(rig: Rig) -> None:
    rig.model = msgspec.structs.replace(rig.model, sampling=Sampling(temperature=0.2, top_p=0.9))
    rig.loop.run(lambda: rig.service.change(rig.chat_id, sampling=Sampling(temperature=0, seed=7)))
    rig.ended(rig.send("hi").id)
    assert isinstance(rig.engine, ScriptedEngine)
    assert rig.engine.requests[-1].sampling == Sampling(temperature=0, top_p=0.9, seed=7)


def test_deleting_a_chat_ends_its_turn_and_keeps_the_part(rig: Rig) -> None:
    answer = rig.send("/hold words")
    wait_until(lambda: "words" in rig.get(answer.id).content)
    rig.loop.run(lambda: rig.service.delete(rig.chat_id))
    assert rig.get(answer.id).status is MessageStatus.INTERRUPTED
    assert isinstance(rig.events[-1], ChatRemoved)
    rig.loop.run(lambda: rig.service.delete(rig.chat_id))  # again: nothing
    rig.loop.run(lambda: rig.service.restore(rig.chat_id))
    assert isinstance(rig.events[-1], ChatChanged)
    assert "words" in rig.get(answer.id).content
    with refused(NoticeCode.CHAT_NOT_FOUND):
        rig.loop.run(lambda: rig.service.restore("nowhere"))


def test_a_client_s_turns_end_with_it_and_others_do_not(rig: Rig) -> None:
    mine = rig.send("/hold mine", owner="client-1")
    rig.chat_id = rig.new_chat()
    other = rig.send("/hold other", owner="client-2")
    rig.loop.run(lambda: rig.service.client_left("client-1"))
    assert rig.get(mine.id).status is MessageStatus.INTERRUPTED
    assert rig.get(other.id).status is MessageStatus.STREAMING
    rig.loop.run(rig.service.close)
    assert rig.get(other.id).status is MessageStatus.INTERRUPTED
    assert not rig.service.is_busy


def test_a_streaming_answer_cannot_be_continued(rig: Rig) -> None:
    answer = rig.send("/hold words")
    with refused(NoticeCode.CHAT_BUSY):
        rig.loop.run(lambda: rig.service.continue_answer(rig.chat_id, answer.id, new_id()))
    rig.loop.run(lambda: rig.service.stop(answer.id))
    rig.loop.run(lambda: rig.service.stop("nowhere"))
    assert rig.ended(answer.id).status is MessageStatus.STOPPED


def test_a_very_long_branch_is_read_only_as_far_as_could_fit(rig: Rig) -> None:
    parent = None
    for _ in range(3):
        parent = rig.ended(rig.send("/long 4000", parent_id=parent).id).id
    rig.ended(rig.send("last", parent_id=parent).id)
    prompt = asked(rig)
    assert prompt[-1] == (Role.USER, "last")
    assert len(prompt) <= 7


def test_an_answer_is_made_as_its_chat_thinks(rig: Rig) -> None:
    rig.loop.run(lambda: rig.service.change(rig.chat_id, sampling=Sampling(thinking=False, effort="low")))
    rig.ended(rig.send("/think one").id)
    request = rig.engine.requests[-1]
    assert (request.thinking, request.effort, request.reasoning_budget) == (False, "low", None)


def test_thoughts_are_ended_on_request(rig: Rig) -> None:
    answer = rig.send("/ponder one two")
    rig.loop.run(lambda: rig.service.answer_now("nowhere"))
    rig.loop.run(lambda: rig.service.answer_now(answer.id))
    assert rig.ended(answer.id).content == "one two"
