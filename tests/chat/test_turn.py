from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.domain.chat import MAX_MESSAGE_BYTES, MessageStatus
from app.domain.engine import EngineState, EngineStatus
from app.domain.generation import Phase, StopReason, Timings
from app.domain.notice import Notice, NoticeCode
from app.engine.base import (
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
        self.cancelled: list[str] = []
        self.hurried: list[str] = []

    def generate(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self.requests.append((request, on_event))

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


def test_a_prompt_that_is_too_long_is_tried_without_its_oldest_turns(rig: Rig, engine: ManualEngine) -> None:
    parent = None
    for number in range(3):
        sent = rig.send(f"question {number} " + "x" * 200, parent_id=parent)
        engine.say(lambda id_: TextGrew(id=id_, content="answer " + "y" * 200))
        engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.END))
        parent = rig.ended(sent.id).id
    answer = rig.send("last", parent_id=parent)
    too_long = Notice(code=NoticeCode.PROMPT_TOO_LONG, facts={"prompt_tokens": 1000, "context_tokens": 512})
    asked = len(engine.requests)
    engine.say(lambda id_: Failed(id=id_, notice=too_long))
    wait_until(lambda: len(engine.requests) == asked + 1)
    request = engine.requests[-1][0]
    assert len(request.messages) < 7
    assert request.messages[-1].content == "last"
    engine.say(lambda id_: TextGrew(id=id_, content="fits"))
    engine.say(lambda id_: Finished(id=id_, stop_reason=StopReason.END))
    final = rig.ended(answer.id)
    assert final.content == "fits"
    assert final.notice is not None
    assert final.notice.code is NoticeCode.CONTEXT_TRIMMED
    assert final.notice.facts == {"dropped_messages": 7 - len(request.messages)}


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
