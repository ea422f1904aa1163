from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.domain.chat import MAX_MESSAGE_BYTES, MessageStatus
from app.domain.context import ContextPolicy
from app.domain.engine import EngineState, EngineStatus
from app.domain.generation import Phase, StopReason, Timings
from app.domain.notice import Action, Fact, Notice, NoticeCode
from app.engine.base import (
    Counted,
    Failed,
    Finished,
    GenerateRequest,
    OnRequestEvent,
    PhaseMoved,
    RequestEvent,
    TextGrew,
)
from app.events import MessageGrew, TurnMoved
from tests.chat.rig import Rig
from tests.waiting import wait_until


class ManualEngine:
    """Answers when the test says so."""

    status = EngineStatus(model_id="manual", state=EngineState.READY)

    def __init__(self) -> None:
        self.requests: list[tuple[GenerateRequest, OnRequestEvent]] = []
        self.counts: list[tuple[GenerateRequest, OnRequestEvent]] = []
        self.tokens_a_message = 0  # counts wait for the test
        self.cancelled: list[str] = []
        self.hurried: list[str] = []

    def generate(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self.requests.append((request, on_event))

    def count(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self.counts.append((request, on_event))
        if self.tokens_a_message:
            tokens = self.tokens_a_message * len(request.messages)
            on_event(Counted(id=request.id, tokens=tokens, context_tokens=512, cached_tokens=10))

    def cancel(self, request_id: str) -> None:
        self.cancelled.append(request_id)

    def load(self) -> None: ...

    def answer_now(self, request_id: str) -> None:
        self.hurried.append(request_id)

    def cancel_load(self) -> None: ...

    def close(self) -> None: ...

    def say(self, event: Callable[[str], RequestEvent]) -> None:
        request, on_event = self.requests[-1]
        on_event(event(request.id))


def too_long(prompt_tokens: int) -> Callable[[str], RequestEvent]:
    facts: dict[str, Fact] = {"prompt_tokens": prompt_tokens, "context_tokens": 512}
    notice = Notice(code=NoticeCode.PROMPT_TOO_LONG, facts=facts)
    return lambda id_: Failed(id=id_, notice=notice)


@pytest.fixture
def engine() -> ManualEngine:
    return ManualEngine()


@pytest.fixture
def rig(tmp_path: Path, engine: ManualEngine) -> Iterator[Rig]:
    rig = Rig(tmp_path, engine)
    yield rig
    rig.close()


def test_text_is_saved_in_chunks_while_it_streams(rig: Rig, engine: ManualEngine) -> None:
    answer = rig.send("question")
    engine.say(lambda id_: TextGrew(id=id_, reasoning="Hm. "))
    engine.say(lambda id_: TextGrew(id=id_, content="Par"))
    wait_until(lambda: rig.get(answer.id).content == "Par")
    assert rig.get(answer.id).status is MessageStatus.STREAMING
    assert rig.get(answer.id).reasoning == "Hm. "

    engine.say(lambda id_: TextGrew(id=id_, content="is"))
    timings = Timings(predicted_n=3, predicted_ms=30)
    engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.END, timings=timings))
    final = rig.ended(answer.id)
    assert (final.content, final.reasoning, final.status) == ("Paris", "Hm. ", MessageStatus.COMPLETE)
    assert final.timings == timings
    assert rig.changes(answer.id) == [final]
    grown = [event for event in rig.events if isinstance(event, MessageGrew)]
    assert [(event.content_offset, event.reasoning_offset) for event in grown] == [(0, 0), (0, 4), (3, 4)]


def test_phases_are_told(rig: Rig, engine: ManualEngine) -> None:
    answer = rig.send("question")
    engine.say(lambda id_: PhaseMoved(id=id_, phase=Phase.PREFILL, done=64, total=100))
    wait_until(lambda: any(isinstance(event, TurnMoved) for event in rig.events))
    moved = next(event for event in rig.events if isinstance(event, TurnMoved))
    assert (moved.message_id, moved.phase, moved.done, moved.total) == (answer.id, Phase.PREFILL, 64, 100)


def test_nothing_is_heard_after_the_end(rig: Rig, engine: ManualEngine) -> None:
    answer = rig.send("question")
    engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.CANCELLED))
    rig.ended(answer.id)
    engine.say(lambda id_: TextGrew(id=id_, content="late"))
    engine.say(lambda id_: Failed(id=id_, notice=Notice(code=NoticeCode.ENGINE_DIED)))
    rig.loop.run(lambda: None)
    assert [message.status for message in rig.changes(answer.id)] == [MessageStatus.STOPPED]
    assert rig.get(answer.id).content == ""


def test_a_failure_keeps_the_part_and_says_why(rig: Rig, engine: ManualEngine) -> None:
    answer = rig.send("question")
    engine.say(lambda id_: TextGrew(id=id_, content="half an "))
    engine.say(lambda id_: Failed(id=id_, notice=Notice(code=NoticeCode.ENGINE_DIED)))
    final = rig.ended(answer.id)
    assert (final.status, final.content) == (MessageStatus.FAILED, "half an ")
    assert final.notice is not None
    assert final.notice.code is NoticeCode.ENGINE_DIED


def test_the_oldest_turns_are_left_out_and_that_is_told_before_anything_is_read(
    rig: Rig, engine: ManualEngine
) -> None:
    parent = None
    for number in range(3):
        sent = rig.send(f"question {number}", parent_id=parent)
        engine.say(lambda id_: TextGrew(id=id_, content="answer"))
        engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.END))
        parent = rig.ended(sent.id).id
    answer = rig.send("last", parent_id=parent)
    engine.tokens_a_message = 70
    engine.say(too_long(prompt_tokens=490))
    wait_until(lambda: engine.requests[-1][0].id != answer.id)
    told = rig.changes(answer.id)[-1]
    assert told.status is MessageStatus.STREAMING
    assert told.reading is not None
    request = engine.requests[-1][0]
    assert [message.content for message in request.messages] == ["question 2", "answer", "last"]
    assert (told.reading.left_out, told.reading.reread_n) == (4, 3 * 70 - 10)
    assert rig.get(answer.id).reading == told.reading

    engine.say(lambda id_: TextGrew(id=id_, content="fits"))
    engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.END))
    final = rig.ended(answer.id)
    assert (final.content, final.reading, final.notice) == ("fits", told.reading, None)

    following = rig.send("and?", parent_id=answer.id)
    asked = [message.content for message in engine.requests[-1][0].messages]
    assert asked == ["question 2", "answer", "last", "fits", "and?"]
    engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.END))
    reading = rig.ended(following.id).reading
    assert reading is not None
    assert (reading.left_out, reading.from_id, reading.reread_n) == (4, told.reading.from_id, 0)


def test_a_turn_that_is_stopped_while_it_is_counted_is_stopped(rig: Rig, engine: ManualEngine) -> None:
    first = rig.send("question")
    engine.say(lambda id_: TextGrew(id=id_, content="answer"))
    engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.END))
    answer = rig.send("last", parent_id=rig.ended(first.id).id)
    engine.say(too_long(prompt_tokens=500))
    wait_until(lambda: engine.counts)
    request, on_event = engine.counts[-1]
    rig.loop.run(lambda: rig.service.stop(answer.id))
    assert engine.cancelled == [request.id]
    on_event(Finished(id=request.id, stop_reason=StopReason.CANCELLED))
    assert rig.ended(answer.id).status is MessageStatus.STOPPED


def test_a_short_answer_is_better_than_none(rig: Rig, engine: ManualEngine) -> None:
    """The message fits, but leaves less than a quarter of the context."""
    answer = rig.send("rather long")
    assert engine.requests[-1][0].reserve_share == 0.25
    engine.say(too_long(prompt_tokens=400))
    wait_until(lambda: len(engine.requests) == 2)
    assert engine.requests[-1][0].reserve_share == 0
    engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.CONTEXT_FULL))
    final = rig.ended(answer.id)
    assert final.notice is not None
    assert final.notice.actions == (Action.CONTINUE_ANSWER,)


def test_nothing_is_left_out_of_a_chat_that_is_to_stop(rig: Rig, engine: ManualEngine) -> None:
    rig.loop.run(lambda: rig.service.change(rig.chat_id, context_policy=ContextPolicy.STOP))
    first = rig.send("question")
    engine.say(lambda id_: TextGrew(id=id_, content="answer"))
    engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.END))
    answer = rig.send("last", parent_id=rig.ended(first.id).id)
    assert engine.requests[-1][0].reserve_share == 1 / 16
    engine.say(too_long(prompt_tokens=500))
    final = rig.ended(answer.id)
    assert final.notice is not None
    assert (final.notice.code, final.reading) == (NoticeCode.PROMPT_TOO_LONG, None)
    assert engine.counts == []


def test_a_single_message_that_is_too_long_fails_with_the_figures(rig: Rig, engine: ManualEngine) -> None:
    answer = rig.send("very long")
    too_long = Notice(code=NoticeCode.PROMPT_TOO_LONG, facts={"prompt_tokens": 999, "context_tokens": 512})
    engine.say(lambda id_: Failed(id=id_, notice=too_long))
    assert rig.ended(answer.id).notice == too_long


def test_a_full_context_is_said(rig: Rig, engine: ManualEngine) -> None:
    answer = rig.send("question")
    engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.CONTEXT_FULL))
    final = rig.ended(answer.id)
    assert final.status is MessageStatus.COMPLETE
    assert final.notice is not None
    assert final.notice.code is NoticeCode.CONTEXT_FULL


def test_an_answer_that_outgrows_a_frame_is_stopped(rig: Rig, engine: ManualEngine) -> None:
    answer = rig.send("question")
    engine.say(lambda id_: TextGrew(id=id_, content="x" * MAX_MESSAGE_BYTES))
    wait_until(lambda: engine.cancelled == [answer.id])
    engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.CANCELLED))
    assert len(rig.ended(answer.id).content) == MAX_MESSAGE_BYTES
