"""An engine that still waits for its place takes requests all the same."""

from __future__ import annotations

import threading

import pytest

from app.domain.engine import EngineState, EngineStatus
from app.domain.generation import StopReason
from app.domain.model import Model, ModelOptions
from app.domain.notice import Notice, NoticeCode
from app.engine.scripted import ScriptedEngine
from app.planning.plan import Machine, plan_for
from app.planning.resident import Resident
from tests.fakes.listener import Listener
from tests.waiting import wait_until

MODEL = Model(id="a", name="a", path="/models/a.gguf", size_bytes=1, layers=2)


class Place:
    def __init__(self) -> None:
        self.statuses: list[EngineStatus] = []
        self.engines: list[ScriptedEngine] = []
        self.may_build = threading.Event()
        self.may_build.set()
        self.resident = Resident(MODEL, ModelOptions(), self._build, self.statuses.append)

    def _build(self, model, options, on_status) -> ScriptedEngine:
        assert self.may_build.wait(10)
        self.engines.append(ScriptedEngine(plan_for(model, options, Machine()), on_status))
        return self.engines[-1]


@pytest.fixture
def place():
    place = Place()
    yield place
    place.resident.close()


def test_what_waits_is_handed_on_in_order(place: Place):
    asked = [Listener.asking(place.resident, text) for text in ("one", "two", "three")]
    assert place.resident.status.state == EngineState.STARTING
    assert place.resident.status.active_requests == 3
    place.resident.open()
    assert [each.stop_reason for each in asked] == [StopReason.END] * 3
    assert [request.messages[0].content for request in place.engines[0].requests] == ["one", "two", "three"]


def test_a_load_is_handed_on(place: Place):
    place.resident.load()
    assert place.statuses[-1].state == EngineState.STARTING
    place.resident.open()
    wait_until(lambda: place.resident.status.state == EngineState.READY)
    place.resident.load()


def test_nothing_wanted_is_nothing_loaded(place: Place):
    place.resident.open()
    assert place.resident.status.state == EngineState.IDLE


def test_cancel_before_there_is_an_engine(place: Place):
    asked = [Listener.asking(place.resident, text) for text in ("one", "two")]
    place.resident.cancel(asked[0].request.id)
    assert asked[0].stop_reason == StopReason.CANCELLED
    place.resident.cancel("nobody")
    place.resident.open()
    assert asked[1].stop_reason == StopReason.END


def test_a_stop_before_there_is_an_engine_leaves_nothing_starting(place: Place):
    """Windows showed for ever that the model was being loaded."""
    asked = Listener.asking(place.resident, "one")
    assert place.statuses[-1].state == EngineState.STARTING
    place.resident.cancel(asked.request.id)
    assert asked.stop_reason == StopReason.CANCELLED
    assert place.statuses[-1] == place.resident.status
    assert place.statuses[-1].state == EngineState.IDLE


def test_cancel_load_before_there_is_an_engine(place: Place):
    place.resident.load()
    asked = Listener.asking(place.resident, "x")
    place.resident.cancel_load()
    assert asked.code == NoticeCode.MODEL_LOAD_CANCELLED
    assert place.statuses[-1].state == EngineState.IDLE
    place.resident.open()
    assert place.resident.status.state == EngineState.IDLE


def test_it_is_busy_from_the_question_to_the_end(place: Place):
    asked = Listener.asking(place.resident, "/hold on")
    assert place.resident.is_answering
    place.resident.open()
    asked.wait_for_text()
    assert place.resident.is_answering
    place.resident.cancel(asked.request.id)
    asked.end()
    assert not place.resident.is_answering


def test_close_before_there_is_an_engine():
    place = Place()
    asked = Listener.asking(place.resident, "x")
    place.resident.close()
    assert asked.stop_reason == StopReason.CANCELLED
    place.resident.open()
    assert place.engines == []
    assert Listener.asking(place.resident, "late").code == NoticeCode.MODEL_LOAD_CANCELLED


def test_close_while_the_engine_is_made():
    place = Place()
    place.may_build.clear()
    opening = threading.Thread(target=place.resident.open)
    opening.start()
    place.resident.close()
    place.may_build.set()
    opening.join()
    assert place.engines[0].status.state == EngineState.IDLE
    assert Listener.asking(place.engines[0], "late").code == NoticeCode.MODEL_LOAD_CANCELLED


def test_an_engine_that_cannot_be_made(place: Place):
    asked = Listener.asking(place.resident, "x")
    place.resident.fail(Notice(code=NoticeCode.MODEL_LOAD_FAILED))
    assert asked.code == NoticeCode.MODEL_LOAD_FAILED
    assert place.statuses[-1].state == EngineState.FAILED


def test_what_comes_after_that_is_told_too(place: Place):
    place.resident.fail(Notice(code=NoticeCode.MODEL_LOAD_FAILED))
    assert Listener.asking(place.resident, "x").code == NoticeCode.MODEL_LOAD_FAILED
    assert place.resident.is_broken
    assert not place.resident.is_busy


def test_who_waits_may_be_told_to_answer_now(place: Place):
    pondered = Listener.asking(place.resident, "/ponder one")
    place.resident.answer_now(pondered.request.id)
    place.resident.answer_now("unknown")
    place.resident.open()
    wait_until(lambda: place.engines[0].requests != [], what="the request")
    assert place.engines[0].requests[0].reasoning_budget == 0
    assert pondered.stop_reason is StopReason.END
    late = Listener.asking(place.resident, "/ponder two")
    place.resident.answer_now(late.request.id)
    assert (late.stop_reason, late.text) == (StopReason.END, "two")
    assert pondered.text == "one"
