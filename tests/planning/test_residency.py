"""Which models are loaded: one at a time, never taken from someone who is being answered."""

from __future__ import annotations

import pytest

from app.domain.engine import EngineState, EngineStatus, LoadPlan
from app.domain.generation import StopReason
from app.domain.model import Model, ModelOptions
from app.domain.notice import Notice, NoticeCode
from app.domain.placement import Placement
from app.engine.base import OnStatus
from app.engine.scripted import ScriptedEngine
from app.errors import KnownError
from app.planning.plan import Machine
from app.planning.residency import KEPT_EXITS, Residency
from tests.fakes.clock import FakeClock
from tests.fakes.listener import Listener
from tests.realmodels import smollm2
from tests.waiting import wait_until


def model(name: str, **fields: object) -> Model:
    return Model(id=name, name=name, path=f"/models/{name}.gguf", size_bytes=1, layers=2, **fields)


class House:
    """A residency of scripted engines."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.statuses: list[EngineStatus] = []
        self.made: list[ScriptedEngine] = []
        self.error: Exception | None = None
        self.residency = Residency(
            self._make,
            self.statuses.append,
            machine=Machine,
            keep_alive_s=300,
            clock=self.clock,
        )

    def _make(self, plan: LoadPlan, on_status: OnStatus) -> ScriptedEngine:
        if self.error:
            raise self.error
        still_loaded = [engine.status.model_id for engine in self.made if engine.status.loaded]
        assert still_loaded == []  # its predecessor is out of memory
        self.made.append(ScriptedEngine(plan, on_status, hung_after_s=0.05))
        return self.made[-1]

    def ask(self, name: str, text: str = "hello", options: ModelOptions | None = None) -> Listener:
        return Listener.asking(self.residency.engine_for(model(name), options), text)

    def states(self) -> dict[str, EngineState]:
        return {status.model_id: status.state for status in self.residency.statuses()}

    def wait_for(self, **states: EngineState) -> None:
        wait_until(lambda: self.states() == states, what=str(states))


@pytest.fixture
def house():
    house = House()
    yield house
    house.residency.close()


def test_one_model_answers_many_times_with_one_engine(house: House):
    assert [house.ask("a").stop_reason for _ in range(3)] == [StopReason.END] * 3
    assert len(house.made) == 1
    assert house.residency.holds_models
    assert not house.residency.is_busy


def test_another_model_takes_the_place_of_an_idle_one(house: House):
    house.ask("a").end()
    assert house.ask("b").stop_reason == StopReason.END
    assert house.states() == {"b": EngineState.READY}
    assert house.made[0].status.state == EngineState.IDLE


def test_a_model_that_answers_is_never_evicted(house: House):
    held = house.ask("a", "/hold on")
    with pytest.raises(KnownError) as refused:
        house.residency.engine_for(model("b"))
    assert refused.value.notice.code == NoticeCode.MODEL_IN_USE
    assert refused.value.notice.facts == {"model": "a"}
    with pytest.raises(KnownError):
        house.residency.load(model("b"))
    held.wait_for_text()
    assert not held.terminals
    house.residency.engine_for(model("a")).cancel(held.request.id)
    assert held.stop_reason == StopReason.CANCELLED
    assert house.ask("b").stop_reason == StopReason.END


def test_a_model_is_in_use_from_the_moment_it_was_asked(house: House):
    house.ask("a", "/hold on")  # its engine may not even have been made yet
    assert house.residency.is_busy
    with pytest.raises(KnownError):
        house.residency.engine_for(model("b"))


def test_a_model_that_only_loads_may_be_replaced(house: House):
    house.residency.load(model("hold-load"))
    house.wait_for(**{"hold-load": EngineState.LOADING})
    assert house.ask("b").stop_reason == StopReason.END
    assert len(house.residency.statuses()) == 1


def test_other_options_mean_another_engine(house: House):
    house.ask("a").end()
    house.ask("a", options=ModelOptions(context_tokens=2048)).end()
    assert [engine.status.plan.context_tokens for engine in house.made] == [8192, 2048]
    house.ask("a", options=ModelOptions(context_tokens=2048, chat_template="{{ messages }}")).end()
    assert len(house.made) == 2  # the template goes with the request


def test_other_options_wait_while_the_engine_answers(house: House):
    held = house.ask("a", "/hold on")
    house.ask("a", options=ModelOptions(context_tokens=2048))
    with pytest.raises(KnownError) as refused:
        house.residency.load(model("a"), ModelOptions(context_tokens=2048))
    assert refused.value.notice.code == NoticeCode.MODEL_IN_USE
    held.wait_for_text()
    assert len(house.made) == 1


def test_the_models_own_options_are_the_usual_ones(house: House):
    chosen = model("a", options=ModelOptions(context_tokens=1024))
    house.residency.load(chosen)
    house.wait_for(a=EngineState.READY)
    assert house.made[0].status.plan.context_tokens == 1024
    house.residency.load(chosen)
    assert len(house.made) == 1


def test_idle_models_leave_after_the_keep_alive(house: House):
    house.ask("a").end()
    house.clock.advance(299)
    house.residency.sweep()
    assert house.states() == {"a": EngineState.READY}
    house.clock.advance(1)
    house.residency.sweep()
    assert not house.residency.holds_models
    wait_until(lambda: house.made[0].status.state == EngineState.IDLE)
    assert house.ask("a").stop_reason == StopReason.END


def test_the_keep_alive_begins_when_the_answer_ends(house: House):
    held = house.ask("a", "/hold on")
    held.wait_for_text()
    house.clock.advance(1000)
    house.residency.sweep()
    house.residency.engine_for(model("a")).cancel(held.request.id)
    held.end()
    house.clock.advance(299)
    house.residency.sweep()
    assert house.residency.holds_models


def test_unload_ends_answers(house: House):
    held = house.ask("a", "/hold on")
    house.residency.unload("nobody")
    house.residency.unload("a")
    assert held.stop_reason == StopReason.CANCELLED
    assert house.residency.statuses() == ()
    house.residency.unload()


def test_a_load_can_be_cancelled(house: House):
    asked = house.ask("hold-load")
    house.wait_for(**{"hold-load": EngineState.LOADING})
    house.residency.cancel_load("nobody")
    house.residency.cancel_load("hold-load")
    assert asked.code == NoticeCode.MODEL_LOAD_CANCELLED
    house.wait_for()
    assert not house.residency.holds_models


def test_exits_are_remembered_once_each(house: House):
    for _ in range(2):
        assert house.ask("a", "/crash x").code == NoticeCode.ENGINE_DIED
        house.wait_for(a=EngineState.FAILED)
    wait_until(lambda: house.states() == {"a": EngineState.FAILED})
    exits = house.residency.last_exits()
    assert len(exits) == 2
    assert all(" a engine-died " in line and "SIGKILL" in line for line in exits)


def test_only_the_last_exits_are_remembered(house: House):
    for _ in range(KEPT_EXITS + 3):
        house.ask("a", "/crash").end()
    assert len(house.residency.last_exits()) == KEPT_EXITS


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device"), NoticeCode.MODEL_LOAD_FAILED),
        (KnownError.of(NoticeCode.MODEL_FILE_MISSING, path="/x"), NoticeCode.MODEL_FILE_MISSING),
    ],
)
def test_an_engine_that_cannot_be_made(house: House, error: Exception, code: NoticeCode):
    house.error = error
    asked = house.ask("a")
    assert asked.code == code
    wait_until(lambda: house.statuses and house.statuses[-1].state == EngineState.FAILED)
    house.error = None
    assert house.ask("a").stop_reason == StopReason.END


def test_a_bug_while_making_one_ends_what_waits(house: House, expect_log):
    expect_log("No engine could be made")
    house.error = ZeroDivisionError()
    assert house.ask("a").code == NoticeCode.BUG


def test_close_ends_everything():
    house = House()
    held = house.ask("a", "/hold on")
    house.residency.close()
    assert held.stop_reason == StopReason.CANCELLED
    assert all(engine.status.state == EngineState.IDLE for engine in house.made)


def test_a_step_that_fails_does_not_end_the_thread(house: House, expect_log):
    expect_log("could not finish a step")
    house.residency._submit(lambda: 1 / 0)
    assert house.ask("a").stop_reason == StopReason.END


def test_how_a_model_would_be_placed_is_found_without_loading_it(house: House):
    outcomes: list[Placement | Notice] = []
    path = smollm2()
    here = Model(id="s", name="s", path=str(path), size_bytes=path.stat().st_size)
    house.residency.placement(here, ModelOptions(context_tokens=512), outcomes.append)
    house.residency.placement(model("gone"), ModelOptions(), outcomes.append)
    wait_until(lambda: len(outcomes) == 2)
    placement, notice = outcomes
    assert isinstance(placement, Placement)
    assert (placement.context_tokens, placement.all_layers) == (512, 31)
    assert isinstance(notice, Notice)
    assert notice.code is NoticeCode.MODEL_FILE_MISSING
    assert house.made == []


@pytest.mark.parametrize(
    "options", [{"kv_type": "q8_0"}, {"devices": ("G0",)}, {"cpu_expert_layers": 3}, {"batch_tokens": 64}]
)
def test_another_placement_is_another_engine_and_another_taste_is_not(house: House, options):
    house.ask("a").end()
    house.ask("a", options=ModelOptions(chat_template="{{ messages }}")).end()
    assert len(house.made) == 1
    house.ask("a", options=ModelOptions(**options)).end()
    assert len(house.made) == 2
