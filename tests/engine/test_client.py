"""An engine over true child processes that play scripts: true pipes, signals and exit codes."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import psutil
import pytest

from app.domain.engine import EngineState, EngineStatus, LoadPlan
from app.domain.generation import Phase, StopReason
from app.domain.notice import NoticeCode
from app.engine.client import LOG_NAME, SupervisedEngine
from app.engine.silence import Limits
from app.paths import Paths
from app.planning.ladder import safer
from tests.fakes.listener import Listener
from tests.fakes.scripted_child import ChildScript, launch
from tests.waiting import wait_until

QUICK = Limits(
    silent_s=0.4, first_step_s=0.6, start_silent_s=0.8, load_silent_s=0.6, end_grace_s=0.3, tick_s=0.05
)
PLAN = LoadPlan(model_id="m", model_path="/m")


class Supervised:
    """A supervised engine with its statuses; `ask` sends a question."""

    def __init__(self, home: Path, *, limits: Limits = QUICK, **script: object) -> None:
        self.paths = Paths(home)
        self.paths.make()
        self.statuses: list[EngineStatus] = []
        self.engine = SupervisedEngine(
            PLAN,
            self.statuses.append,
            paths=self.paths,
            ladder=safer,
            limits=limits,
            launch=launch(ChildScript(**script)),
        )

    def ask(self, text: str, **fields: object) -> Listener:
        return Listener.asking(self.engine, text, **fields)

    def wait_for_state(self, state: EngineState) -> EngineStatus:
        wait_until(lambda: self.engine.status.state == state, what=state)
        return self.engine.status

    def notices(self) -> list[NoticeCode]:
        return [status.notice.code for status in self.statuses if status.notice]

    @property
    def process(self) -> psutil.Process:
        pid = wait_until(lambda: self.engine.status.pid)
        return psutil.Process(pid)


@pytest.fixture
def supervised(home: Path):
    made: list[Supervised] = []

    def make(**options: object) -> Supervised:
        made.append(Supervised(home, **options))
        return made[-1]

    yield make
    for one in made:
        one.engine.close()


def test_it_answers(supervised):
    one = supervised()
    asked = one.ask("Hello there")
    assert (asked.stop_reason, asked.text) == (StopReason.END, "Hello there")
    assert asked.threads == {"engine-supervisor"}
    assert one.engine.status.loaded.layers == 3


def test_one_child_serves_many_requests(supervised):
    one = supervised()
    asked = [one.ask(f"question {number}") for number in range(20)]
    assert [each.stop_reason for each in asked] == [StopReason.END] * 20
    assert {status.pid for status in one.statuses if status.pid} == {one.engine.status.pid}


def test_stop_is_felt_at_once(supervised):
    one = supervised()
    asked = one.ask("/hold on")
    asked.wait_for_text()
    one.engine.cancel(asked.request.id)
    assert asked.stop_reason == StopReason.CANCELLED
    assert one.ask("next").stop_reason == StopReason.END


def test_late_words_of_a_deaf_child_are_dropped(supervised):
    one = supervised()
    asked = one.ask("/deaf " + "word " * 60)
    asked.wait_for_text()
    one.engine.cancel(asked.request.id)
    heard = asked.end() and len(asked.events)
    assert one.ask("next").stop_reason == StopReason.END  # after all the late words
    assert len(asked.events) == heard
    assert asked.stop_reason == StopReason.CANCELLED


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT", "SIGTERM"])
def test_signals(supervised, name: str):
    one = supervised()
    asked = one.ask(f"/signal {name}")
    assert asked.code == NoticeCode.ENGINE_DIED
    assert asked.end().notice.facts["signal"] == name
    assert one.ask("next").stop_reason == StopReason.END


def test_last_words_reach_the_notice_and_the_log(supervised):
    one = supervised()
    assert one.ask("/exit 1 CUDA error: out of memory").code == NoticeCode.ENGINE_OUT_OF_GPU_MEMORY
    assert "CUDA error" in (one.paths.logs / LOG_NAME).read_text()


def test_nonsense_on_the_wire(supervised):
    one = supervised()
    asked = one.ask("/garbage")
    assert asked.end().notice.facts["reason"] == "bad-frame"
    assert one.ask("next").stop_reason == StopReason.END


def test_a_beating_child_that_does_nothing_is_hung(supervised):
    one = supervised()
    asked = one.ask("/hang")
    process = one.process
    assert asked.code == NoticeCode.ENGINE_HUNG
    assert asked.end().notice.facts["phase"] == Phase.PREFILL
    wait_until(lambda: not process.is_running())
    assert one.ask("next").stop_reason == StopReason.END


def test_a_child_that_computes_in_silence_is_not(supervised):
    assert supervised().ask("/spin 0.7").stop_reason == StopReason.END


def test_a_stopped_child_is_hung_idle_or_not(supervised):
    one = supervised()
    one.ask("first").end()
    process = one.process
    process.suspend()
    assert one.ask("second").code == NoticeCode.ENGINE_HUNG
    wait_until(lambda: not process.is_running())


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ({"loads": ("stall",)}, NoticeCode.ENGINE_HUNG),
        ({"loads": ("signal:SIGKILL",)}, NoticeCode.ENGINE_DIED),
        ({"loads": ("fail:model-corrupt",)}, NoticeCode.MODEL_CORRUPT),
        ({"greets": False}, NoticeCode.ENGINE_HUNG),
        ({"protocol": 99}, NoticeCode.ENGINE_MISMATCH),
        ({"mismatch": "struct sizes"}, NoticeCode.ENGINE_MISMATCH),
    ],
)
def test_starts_and_loads_that_fail(supervised, script: dict[str, object], code: NoticeCode):
    one = supervised(**script)
    assert one.ask("x").code == code
    one.wait_for_state(EngineState.FAILED)
    assert one.notices()[-1] == code


def test_a_silent_load_that_computes_is_given_time(supervised):
    assert supervised(loads=("spin:1",)).ask("x").stop_reason == StopReason.END


def test_a_plan_that_kills_is_made_safer(supervised):
    one = supervised(loads=("until-batch:128",))
    assert [one.ask("x").code for _ in range(2)] == [NoticeCode.ENGINE_DIED] * 2
    assert one.ask("x").stop_reason == StopReason.END
    assert one.engine.status.notice.code == NoticeCode.PLAN_STEPPED_DOWN
    assert one.engine.status.plan.batch_tokens == 128


def test_three_deaths_stop_it_until_a_person_loads(supervised):
    one = supervised(loads=("signal:SIGKILL",) * 3 + ("ok",))
    assert [one.ask("x").code for _ in range(3)] == [NoticeCode.ENGINE_DIED] * 3
    assert one.ask("x").code == NoticeCode.ENGINE_STOPPED_FOR_GOOD
    one.engine.load()
    assert one.wait_for_state(EngineState.READY).notice is None


def test_a_load_can_be_cancelled(supervised):
    one = supervised(loads=("stall", "ok"), limits=Limits())
    asked = one.ask("x")
    wait_until(lambda: one.engine.status.progress > 0, what="progress")
    one.engine.cancel_load()
    assert asked.code == NoticeCode.MODEL_LOAD_CANCELLED
    one.wait_for_state(EngineState.IDLE)
    assert one.ask("x").stop_reason == StopReason.END


def test_close_ends_a_stubborn_child_too(supervised):
    one = supervised(stubborn=True)
    asked = one.ask("/hold on")
    asked.wait_for_text()
    process = one.process
    one.engine.close()
    assert asked.stop_reason == StopReason.CANCELLED
    assert not process.is_running()
    one.engine.close()
    assert one.ask("late").code == NoticeCode.MODEL_LOAD_CANCELLED


def test_close_from_a_callback_does_not_wait_for_itself(supervised):
    one = supervised()
    closed = threading.Event()

    def close(_: object) -> None:
        one.engine.close()
        closed.set()

    one.engine.generate(one.ask("/hold").request, close)
    assert closed.wait(10)
    one.wait_for_state(EngineState.IDLE)


def test_a_child_that_cannot_be_started(supervised):
    one = supervised()
    one.paths.logs.rmdir()
    one.paths.models.rmdir()
    one.paths.driver_cache.rmdir()
    one.paths.home.rmdir()
    asked = one.ask("x")
    assert asked.end().notice.facts["reason"] == "not-started"


def test_an_error_of_ours_is_logged_and_survived(supervised, expect_log, monkeypatch: pytest.MonkeyPatch):
    expect_log("could not finish a step")
    one = supervised()
    monkeypatch.setattr(one.engine._supervisor, "cancel", lambda _: 1 / 0)
    one.engine.cancel("x")
    assert one.ask("next").stop_reason == StopReason.END


def test_killed_from_outside_in_each_phase_of_a_request(supervised):
    one = supervised()
    for _ in range(2):
        asked = one.ask("/hold on")
        asked.wait_for_phase(Phase.DECODE)
        os.kill(one.process.pid, signal.SIGKILL)
        assert asked.end().notice.facts["signal"] == "SIGKILL"
        one.wait_for_state(EngineState.FAILED)
