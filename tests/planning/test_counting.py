"""Prompts are counted without loading a model that is not loaded, and with the one that is."""

from __future__ import annotations

import pytest

from app.domain.engine import EngineState, LoadPlan
from app.domain.model import Model
from app.engine.base import Counted, OnStatus
from app.engine.scripted import ScriptedEngine
from app.planning.counting import KEEP_S, Counting
from app.planning.plan import Machine
from app.planning.residency import Residency
from tests.fakes.clock import FakeClock
from tests.fakes.listener import Listener, request_for
from tests.waiting import wait_until

MODEL = Model(id="m", name="M", path="/models/m.gguf", size_bytes=1, layers=2)


class Desk:
    """Counting beside a residency, over scripted engines."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.made: list[tuple[LoadPlan, ScriptedEngine]] = []
        self.residency = Residency(self._make, lambda _: None, machine=Machine)
        self.counting = Counting(self.residency, self._make, self._plan, clock=self.clock)

    def _plan(self, model: Model) -> LoadPlan:
        return LoadPlan(model_id=model.id, model_path=model.path, context_tokens=99, gpu_layers=7)

    def _make(self, plan: LoadPlan, on_status: OnStatus) -> ScriptedEngine:
        self.made.append((plan, ScriptedEngine(plan, on_status)))
        return self.made[-1][1]

    def count(self, model: Model = MODEL) -> Counted:
        listener = Listener()
        self.counting.count(model, request_for("one two three"), listener)
        end = listener.end()
        assert isinstance(end, Counted), end
        return end

    def vocabularies(self) -> list[ScriptedEngine]:
        return [engine for plan, engine in self.made if plan.vocab_only]


@pytest.fixture
def desk():
    desk = Desk()
    yield desk
    desk.counting.close()
    desk.residency.close()
    assert all(engine.status.state == EngineState.IDLE for engine in desk.vocabularies())


def test_a_model_that_is_not_loaded_is_counted_by_its_vocabulary_alone(desk: Desk):
    counted = desk.count()
    assert (counted.tokens, counted.context_tokens) == (3, 99)
    ((plan, _),) = desk.made
    assert (plan.vocab_only, plan.gpu_layers) == (True, 0)
    assert desk.residency.statuses() == ()


def test_a_loaded_model_counts_itself(desk: Desk):
    desk.residency.load(MODEL)
    wait_until(lambda: desk.residency.ready_engine(MODEL), what="the model")
    assert desk.count().tokens == 3
    assert desk.vocabularies() == []


def test_a_vocabulary_is_kept_for_some_seconds_and_for_one_model(desk: Desk):
    desk.count()
    desk.clock.now += KEEP_S - 1
    desk.counting.sweep()
    desk.count()
    assert len(desk.vocabularies()) == 1
    desk.count(Model(id="n", name="N", path="/models/n.gguf", size_bytes=1))
    first, second = desk.vocabularies()
    wait_until(lambda: first.status.state == EngineState.IDLE, what="the end of the first")
    desk.clock.now += KEEP_S
    desk.counting.sweep()
    wait_until(lambda: second.status.state == EngineState.IDLE, what="the end of the second")


def test_a_vocabulary_that_failed_is_tried_anew(desk: Desk):
    broken = Model(id="m", name="M", path="/models/fail-load.gguf", size_bytes=1)
    for _ in range(2):
        listener = Listener()
        desk.counting.count(broken, request_for("one"), listener)
        assert listener.code is not None
    assert len(desk.vocabularies()) == 2
