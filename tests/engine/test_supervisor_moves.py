"""Whatever happens in whatever order: each request ends once and every move is legal."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.engine import EngineState
from app.domain.generation import StopReason
from app.domain.notice import Notice, NoticeCode
from app.engine import wire
from app.engine.base import Failed, Finished, TextGrew
from app.engine.supervisor import LEGAL_MOVES
from app.errors import BugError
from tests.engine.stage import LOADED, Stage
from tests.fakes.listener import Listener

S = EngineState


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_the_table_of_moves_is_whole():
    assert set(LEGAL_MOVES) == set(EngineState)
    reachable = {EngineState.IDLE}
    for _ in EngineState:
        reachable |= {after for before in reachable for after in LEGAL_MOVES[before]}
    assert reachable == set(EngineState)


def test_an_illegal_move_is_a_bug(stage: Stage):
    with pytest.raises(BugError, match="moved from idle to ready"):
        stage.supervisor._move(S.READY)


_MORE = ("exit", "hang", "tick", "close")
STEPS = st.sampled_from(
    (
        "ask",
        "cancel",
        "load",
        "cancel_load",
        "greet",
        "loaded",
        "load_failed",
        "text",
        "finish",
        "fail",
        *_MORE,
    )
)


@settings(max_examples=120, deadline=None)
@given(st.lists(STEPS, max_size=40), st.data())
def test_whatever_happens_each_request_ends_once(steps: list[str], data: st.DataObject):
    stage = Stage()
    asked: list[Listener] = []
    for step in steps:
        _take(stage, step, asked, data)
    stage.supervisor.close()
    if not stage.supervisor.is_over:
        stage.exit()
    assert stage.supervisor.is_over
    assert [len(one.terminals) for one in asked] == [1] * len(asked)
    assert all(one.events[-1] is one.terminals[0] for one in asked)
    moves = [status.state for status in stage.statuses]
    assert all(b in LEGAL_MOVES[a] for a, b in itertools.pairwise([S.IDLE, *moves]) if a != b)


def _take(stage: Stage, step: str, asked: list[Listener], data: st.DataObject) -> None:
    supervisor = stage.supervisor
    some = data.draw(st.sampled_from(asked)).request.id if asked else "nobody"
    if step == "ask":
        asked.append(stage.ask())
    elif step == "cancel":
        supervisor.cancel(some)
    elif step in ("load", "cancel_load", "close", "tick"):
        getattr(supervisor, step)()
    elif step == "hang":
        stage.pass_time(61)
    elif stage.children:
        frames: dict[str, wire.FromChild] = {
            "greet": wire.HelloReply(protocol=wire.PROTOCOL, pid=1, engine="fake"),
            "loaded": wire.Loaded(model=LOADED),
            "load_failed": wire.LoadFailed(notice=Notice(code=NoticeCode.MODEL_CORRUPT)),
            "text": TextGrew(id=some, content="x"),
            "finish": Finished(id=some, stop_reason=StopReason.END),
            "fail": Failed(id=some, notice=Notice(code=NoticeCode.TEMPLATE_FAILED)),
        }
        stage.exit() if step == "exit" else stage.say(frames[step])
