"""The promises of supervision one by one: starting, answering, dying, cancelling, ending."""

from __future__ import annotations

import pytest

from app.domain.engine import EngineState
from app.domain.generation import Phase, StopReason
from app.domain.notice import NoticeCode
from app.engine import wire
from app.engine.base import Finished, TextGrew
from app.engine.process import ExitFacts
from tests.engine.stage import KILLED, LOADED, PLAN, Stage
from tests.fakes.listener import request_for

S = EngineState


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_request_starts_loads_and_is_answered(stage: Stage):
    asked = stage.ask()
    assert stage.state == S.STARTING
    assert stage.child.told == [wire.Hello(helper_argv=("render",), files=("/m",))]
    stage.greet()
    assert stage.child.told[1:] == [wire.Load(plan=PLAN)]
    stage.say(wire.LoadProgress(progress=0.4))
    assert stage.supervisor.status.progress == 0.4
    stage.say(wire.Loaded(model=LOADED))
    assert stage.child.told[2:] == [wire.Generate(request=asked.request)]
    stage.say(TextGrew(id=asked.request.id, content="hi"))
    stage.say(Finished(id=asked.request.id, stop_reason=StopReason.END))
    assert (asked.text, asked.stop_reason) == ("hi", StopReason.END)
    assert stage.state == S.READY
    assert stage.supervisor.status.active_requests == 0


def test_requests_are_sent_in_the_order_they_came(stage: Stage):
    asked = [stage.ask(), stage.ask(), stage.ask()]
    stage.make_ready()
    sent = [frame.request for frame in stage.child.told if isinstance(frame, wire.Generate)]
    assert sent == [one.request for one in asked]


def test_what_waits_for_a_load_says_so(stage: Stage):
    assert stage.ask().phases == [Phase.LOADING]
    stage.make_ready()
    assert stage.ask().phases == [Phase.QUEUED]


# 1. A child that dies


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_everyone_who_waits_is_told_once(stage: Stage, depth: int):
    asked = [stage.ask(), stage.ask()]
    (lambda: None, stage.greet, stage.make_ready)[depth]()
    stage.exit(ExitFacts(signal="SIGSEGV"))
    stage.exit(ExitFacts(signal="SIGSEGV"))
    assert [one.code for one in asked] == [NoticeCode.ENGINE_DIED] * 2
    assert (stage.state, stage.notice) == (S.FAILED, NoticeCode.ENGINE_DIED)
    assert stage.supervisor.status.pid is None


def test_the_state_is_told_before_the_end_of_what_waited(stage: Stage):
    states = []
    stage.supervisor.generate(request_for("x"), lambda _: states.append(stage.state))
    stage.make_ready()
    stage.exit()
    assert states == [S.IDLE, S.FAILED]


def test_the_facts_are_kept(stage: Stage):
    asked = stage.ask()
    stage.make_ready()
    stage.exit(ExitFacts(code=1, stderr_tail="CUDA error: out of memory"))
    assert asked.code == NoticeCode.ENGINE_OUT_OF_GPU_MEMORY


def test_a_kill_for_memory_is_told_from_other_kills(stage: Stage):
    asked = stage.ask()
    stage.make_ready()
    stage.pass_time(0.25)
    stage.oom_kills += 1
    stage.exit(KILLED)
    assert asked.code == NoticeCode.ENGINE_OUT_OF_MEMORY


def test_an_older_kill_for_memory_is_not_this_one(stage: Stage):
    stage.oom_kills = 5
    asked = stage.ask()
    stage.make_ready()
    stage.exit(KILLED)
    assert asked.code == NoticeCode.ENGINE_DIED


def test_the_next_request_starts_another_child(stage: Stage):
    stage.ask()
    stage.exit()
    assert len(stage.children) == 1
    asked = stage.ask()
    stage.make_ready()
    stage.say(Finished(id=asked.request.id, stop_reason=StopReason.END))
    assert (len(stage.children), asked.stop_reason) == (2, StopReason.END)


def test_frames_of_a_child_that_is_gone_are_dropped(stage: Stage):
    stage.ask()
    dead = stage.child
    stage.exit()
    asked = stage.ask()
    stage.make_ready()
    stage.supervisor.frame_came(dead, Finished(id=asked.request.id, stop_reason=StopReason.END))
    assert not asked.terminals


def test_a_child_that_cannot_be_started(stage: Stage):
    stage.start_error = OSError(12, "Cannot allocate memory")
    asked = stage.ask()
    assert asked.code == NoticeCode.ENGINE_DIED
    assert asked.end().notice.facts["reason"] == "not-started"
    assert stage.state == S.FAILED


def test_a_listener_that_raises_does_not_keep_others_from_hearing(stage: Stage, expect_log):
    expect_log("A listener failed")
    stage.supervisor.generate(request_for("x"), lambda event: 1 / 0)
    expect_log("A listener failed")
    asked = stage.ask()
    stage.exit()
    assert asked.code == NoticeCode.ENGINE_DIED


# 3. Cancel


def test_cancel_is_felt_before_the_child_hears(stage: Stage):
    asked = stage.ask()
    stage.make_ready()
    stage.supervisor.cancel(asked.request.id)
    assert asked.stop_reason == StopReason.CANCELLED
    assert stage.child.told[-1] == wire.Cancel(id=asked.request.id)


def test_what_comes_late_is_dropped(stage: Stage):
    asked = stage.ask()
    stage.make_ready()
    stage.supervisor.cancel(asked.request.id)
    stage.say(TextGrew(id=asked.request.id, content="late"))
    stage.say(Finished(id=asked.request.id, stop_reason=StopReason.END))
    assert asked.text == ""
    assert len(asked.terminals) == 1


def test_cancel_before_the_load_is_done_sends_nothing(stage: Stage):
    asked = stage.ask()
    stage.supervisor.cancel(asked.request.id)
    stage.make_ready()
    assert asked.stop_reason == StopReason.CANCELLED
    assert not [frame for frame in stage.child.told if isinstance(frame, wire.Generate | wire.Cancel)]


def test_unknown_ids_are_ignored(stage: Stage):
    stage.supervisor.cancel("nobody")
    stage.ask()
    stage.make_ready()
    stage.say(TextGrew(id="nobody", content="x"), Finished(id="nobody", stop_reason=StopReason.END))


def test_an_id_is_not_used_twice_at_once(stage: Stage):
    first = stage.ask(request_id="same")
    assert stage.ask(request_id="same").code == NoticeCode.BUG
    stage.make_ready()
    stage.supervisor.cancel("same")
    assert stage.ask(request_id="same").code == NoticeCode.BUG  # the child has not let go of it
    stage.say(Finished(id="same", stop_reason=StopReason.CANCELLED))
    assert not stage.ask(request_id="same").terminals
    assert len(first.terminals) == 1


def test_a_cancelled_request_is_still_owed(stage: Stage):
    asked = stage.ask()
    stage.make_ready()
    stage.supervisor.cancel(asked.request.id)
    stage.pass_time(61)
    assert (stage.state, stage.notice) == (S.STOPPING, NoticeCode.ENGINE_HUNG)
    assert "kill" in stage.child.calls


# 7. and 8. Starting


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (wire.HelloReply(protocol=99, pid=1, engine="fake"), "protocol 99"),
        (
            wire.HelloReply(protocol=wire.PROTOCOL, pid=1, engine="fake", mismatch="struct sizes"),
            "struct sizes",
        ),
        (wire.Loaded(model=LOADED), "Loaded"),
    ],
)
def test_a_stranger_is_refused_before_it_loads(stage: Stage, frame: wire.FromChild, found: str):
    asked = stage.ask()
    stage.say(frame)
    assert asked.code == NoticeCode.ENGINE_MISMATCH
    assert asked.end().notice.facts["found"] == found
    assert not [told for told in stage.child.told if isinstance(told, wire.Load)]
    stage.exit(ExitFacts(code=0))
    assert (stage.state, stage.notice) == (S.FAILED, NoticeCode.ENGINE_MISMATCH)


def test_a_request_too_big_for_the_wire_fails_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    def send(frame: wire.ToChild) -> None:
        if isinstance(frame, wire.Generate) and frame.request.messages[0].content == "big":
            raise wire.WireError("frame of 99999999 bytes")

    stage.supervisor.load()
    stage.make_ready()
    stage.child.send = send
    assert stage.ask("big").code == NoticeCode.BAD_REQUEST
    asked = stage.ask("small")
    stage.say(Finished(id=asked.request.id, stop_reason=StopReason.END))
    assert asked.stop_reason == StopReason.END


# Ending on purpose


def test_cancel_load_ends_it_and_what_waits(stage: Stage):
    asked = stage.ask()
    stage.greet()
    stage.supervisor.cancel_load()
    assert asked.code == NoticeCode.MODEL_LOAD_CANCELLED
    assert stage.child.told[-1] == wire.CancelLoad()
    assert stage.child.calls == ["end"]
    stage.exit(ExitFacts(code=0))
    assert (stage.state, stage.notice) == (S.IDLE, None)


def test_cancel_load_of_what_is_loaded_does_nothing(stage: Stage):
    stage.supervisor.load()
    stage.make_ready()
    stage.supervisor.cancel_load()
    assert stage.state == S.READY


def test_a_child_that_does_not_end_is_killed(stage: Stage):
    stage.supervisor.load()
    stage.greet()
    stage.supervisor.cancel_load()
    stage.pass_time(2.5)
    assert stage.child.calls == ["end"]
    stage.pass_time(1)
    assert "kill" in stage.child.calls


def test_load_again_while_the_old_child_ends(stage: Stage):
    stage.supervisor.load()
    stage.greet()
    stage.supervisor.cancel_load()
    stage.supervisor.load()
    stage.exit(ExitFacts(code=0))
    assert (stage.state, len(stage.children)) == (S.STARTING, 2)


def test_close_ends_everything_once(stage: Stage):
    asked = stage.ask()
    stage.make_ready()
    stage.supervisor.close()
    stage.supervisor.close()
    assert asked.stop_reason == StopReason.CANCELLED
    assert (stage.state, stage.supervisor.is_over) == (S.STOPPING, False)
    stage.exit(ExitFacts(code=0))
    assert (stage.state, stage.supervisor.is_over) == (S.IDLE, True)
    assert stage.ask().code == NoticeCode.MODEL_LOAD_CANCELLED
    stage.supervisor.load()
    assert len(stage.children) == 1


def test_close_after_a_death(stage: Stage):
    stage.ask()
    stage.exit()
    stage.supervisor.close()
    assert (stage.state, stage.supervisor.is_over) == (S.IDLE, True)


def test_close_while_a_hung_child_is_killed(stage: Stage):
    stage.ask()
    stage.pass_time(61)
    stage.supervisor.close()
    stage.exit()
    assert (stage.state, stage.supervisor.is_over) == (S.IDLE, True)


def test_load_of_what_is_loaded_does_nothing(stage: Stage):
    stage.supervisor.load()
    stage.make_ready()
    stage.supervisor.load()
    assert len(stage.children) == 1


def test_answer_now_reaches_the_child_or_changes_what_is_sent(stage: Stage):
    early = stage.ask()
    stage.supervisor.answer_now(early.request.id)
    stage.supervisor.answer_now("unknown")
    stage.make_ready()
    (sent,) = [frame.request for frame in stage.child.told if isinstance(frame, wire.Generate)]
    assert (sent.id, sent.reasoning_budget) == (early.request.id, 0)
    late = stage.ask()
    stage.supervisor.answer_now(late.request.id)
    assert stage.child.told[-1] == wire.AnswerNow(id=late.request.id)
    stage.say(Finished(id=late.request.id, stop_reason=StopReason.END))
    stage.supervisor.answer_now(late.request.id)
    assert sum(isinstance(frame, wire.AnswerNow) for frame in stage.child.told) == 1
