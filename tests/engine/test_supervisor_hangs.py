"""A supervisor kills only what shows no life, and never restarts in a loop."""

from __future__ import annotations

import pytest

from app.domain.engine import EngineState
from app.domain.generation import Phase, StopReason
from app.domain.notice import Notice, NoticeCode
from app.engine import wire
from app.engine.base import Finished, PhaseMoved, TextGrew
from app.engine.process import ExitFacts, LifeSigns
from tests.engine.stage import KILLED, PLAN, Stage, halve

S = EngineState


@pytest.fixture
def stage() -> Stage:
    return Stage()


# Hangs


def test_silence_is_noticed_and_said(stage: Stage):
    asked = stage.ask()
    stage.make_ready()
    stage.say(PhaseMoved(id=asked.request.id, phase=Phase.DECODE), TextGrew(id=asked.request.id, content="x"))
    stage.pass_time(5)
    assert not asked.terminals
    stage.pass_time(0.5)
    assert asked.code == NoticeCode.ENGINE_HUNG
    facts = asked.end().notice.facts
    assert facts["phase"] == "decode"
    assert facts["silent_s"] == pytest.approx(5.2, abs=0.3)
    assert stage.child.calls[:2] == ["end", "kill"]
    stage.exit()
    assert (stage.state, stage.notice) == (S.FAILED, NoticeCode.ENGINE_HUNG)


def test_answers_that_wait_for_a_long_prompt_are_not_hung(stage: Stage):
    answering, reading = stage.ask(), stage.ask()
    stage.make_ready()
    stage.say(PhaseMoved(id=answering.request.id, phase=Phase.DECODE))
    stage.say(PhaseMoved(id=reading.request.id, phase=Phase.PREFILL, total=4096))
    for step in range(8):
        for beat in range(60):  # each step takes half a minute, and nothing else shows life
            stage.say(wire.Heartbeat(steps=step, step_tokens=513, step_ms=beat * 500))
            stage.pass_time(0.5)
        stage.say(TextGrew(id=answering.request.id, content="x"))
        done = 512 * (step + 1)
        stage.say(PhaseMoved(id=reading.request.id, phase=Phase.PREFILL, done=done, total=4096))
    assert not answering.terminals
    assert not reading.terminals


def test_a_child_that_computes_is_not_hung(stage: Stage):
    asked = stage.ask()
    stage.make_ready()
    for second in range(300):
        stage.child.signs = LifeSigns(cpu_s=second / 2, io_bytes=0)
        stage.pass_time(1)
    assert not asked.terminals


def test_a_child_that_owes_nothing_may_be_silent(stage: Stage):
    stage.supervisor.load()
    stage.make_ready()
    stage.pass_time(1000)
    assert stage.state == S.READY
    asked = stage.ask()  # its silence begins now
    stage.pass_time(4)
    assert not asked.terminals


def test_a_start_and_a_load_without_life(stage: Stage):
    asked = stage.ask()
    stage.pass_time(61)
    assert asked.end().notice.facts["phase"] == "loading"
    stage.exit()
    asked = stage.ask()
    stage.greet()
    stage.pass_time(61)
    assert asked.code == NoticeCode.ENGINE_HUNG


def test_a_loads_deadline_moves_with_progress(stage: Stage):
    stage.supervisor.load()
    stage.greet()
    for step in range(100):
        stage.say(wire.LoadProgress(progress=step / 100))
        stage.pass_time(50)
    assert stage.state == S.LOADING


def test_a_loads_deadline_moves_while_data_is_read(stage: Stage):
    stage.supervisor.load()
    stage.greet()
    for step in range(100):
        stage.child.signs = LifeSigns(cpu_s=0, io_bytes=step * 1_000_000)
        stage.pass_time(50)
    assert stage.state == S.LOADING


def test_who_asks_while_a_hung_child_is_killed_gets_the_next_one(stage: Stage):
    stage.ask()
    stage.make_ready()
    stage.pass_time(61)
    asked = stage.ask()
    assert len(stage.children) == 1
    stage.exit()
    stage.make_ready()
    stage.say(Finished(id=asked.request.id, stop_reason=StopReason.END))
    assert asked.stop_reason == StopReason.END


def test_a_child_that_cannot_be_killed_is_left_behind(stage: Stage):
    stage.ask()
    stage.make_ready()
    stage.pass_time(61)
    stage.ask()
    stage.pass_time(11)
    assert len(stage.children) == 2
    stage.supervisor.child_exited(stage.children[0], KILLED)  # at last
    assert stage.state == S.STARTING


# 4. No restart loop


def test_two_deaths_step_down_and_say_so(stage: Stage):
    for _ in range(2):
        stage.ask()
        stage.exit()
    stage.ask()
    assert (stage.state, stage.notice) == (S.STARTING, NoticeCode.PLAN_STEPPED_DOWN)
    stage.make_ready()
    assert (stage.state, stage.notice) == (S.READY, NoticeCode.PLAN_STEPPED_DOWN)
    assert stage.supervisor.status.notice.facts == {"change": "batch_tokens 512 → 256"}
    assert wire.Load(plan=halve(PLAN)) in stage.child.told
    assert stage.supervisor.status.plan == halve(PLAN)


def test_one_death_with_four_waiting_is_one_death(stage: Stage):
    for _ in range(2):
        asked = [stage.ask() for _ in range(4)]
        stage.make_ready()
        assert stage.notice is None
        stage.exit()
        assert [one.code for one in asked] == [NoticeCode.ENGINE_DIED] * 4
    stage.ask()
    assert (stage.state, stage.notice) == (S.STARTING, NoticeCode.PLAN_STEPPED_DOWN)


def test_three_deaths_stop_for_good(stage: Stage):
    asked = [stage.ask()]
    stage.exit()
    for _ in range(2):
        asked.append(stage.ask())
        stage.exit()
    assert [one.code for one in asked] == [NoticeCode.ENGINE_DIED] * 3
    assert (stage.state, stage.notice) == (S.FAILED, NoticeCode.ENGINE_STOPPED_FOR_GOOD)
    assert stage.ask().code == NoticeCode.ENGINE_STOPPED_FOR_GOOD
    assert len(stage.children) == 3


def test_a_persons_load_resets(stage: Stage):
    for _ in range(3):
        stage.ask()
        stage.exit()
    stage.supervisor.load()
    stage.make_ready()
    assert (stage.state, stage.notice) == (S.READY, None)
    assert stage.supervisor.status.plan == PLAN


def test_hangs_count_as_deaths(stage: Stage):
    for _ in range(3):
        stage.ask()
        stage.make_ready()
        stage.pass_time(61)
        stage.exit()
    assert stage.notice == NoticeCode.ENGINE_STOPPED_FOR_GOOD


def test_children_that_cannot_be_started_count_too(stage: Stage):
    stage.start_error = OSError("no")
    for _ in range(3):
        stage.ask()
    assert stage.notice == NoticeCode.ENGINE_STOPPED_FOR_GOOD


def test_a_load_that_ran_out_of_memory_counts(stage: Stage):
    for _ in range(2):
        asked = stage.ask()
        stage.greet()
        stage.say(wire.LoadFailed(notice=Notice(code=NoticeCode.ENGINE_OUT_OF_GPU_MEMORY)))
        assert asked.code == NoticeCode.ENGINE_OUT_OF_GPU_MEMORY
        stage.exit(ExitFacts(code=0))
    stage.ask()
    assert stage.notice == NoticeCode.PLAN_STEPPED_DOWN


def test_a_bad_file_is_told_each_time_and_never_counts(stage: Stage):
    for _ in range(5):
        asked = stage.ask()
        stage.greet()
        stage.say(wire.LoadFailed(notice=Notice(code=NoticeCode.MODEL_CORRUPT)))
        assert asked.code == NoticeCode.MODEL_CORRUPT
        stage.exit(ExitFacts(code=0))
        assert (stage.state, stage.notice) == (S.FAILED, NoticeCode.MODEL_CORRUPT)


def test_a_host_that_slept_does_not_blame_the_child(stage: Stage):
    asked = stage.ask()
    stage.make_ready()
    for _ in range(5):
        stage.clock.advance(3600)
        stage.supervisor.tick()
    assert not asked.terminals
    stage.pass_time(61)
    assert asked.code == NoticeCode.ENGINE_HUNG
