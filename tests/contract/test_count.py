"""Every engine counts a prompt, also while it answers, and whoever waits for a count hears one end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.engine import EngineState
from app.domain.generation import StopReason
from app.domain.notice import NoticeCode
from app.engine.base import Counted, GenerateRequest
from tests.contract.engine_cases import CASES, CHILDREN, EngineCase, Opened, is_loading
from tests.fakes.listener import Listener, request_for


def params(names: object) -> list[object]:
    marks = {"real": pytest.mark.llama}
    return [pytest.param(CASES[name], id=name, marks=marks.get(name, ())) for name in names]  # type: ignore[attr-defined]


every_engine = pytest.mark.parametrize("case", params(CASES))
every_child = pytest.mark.parametrize("case", params(CHILDREN))


@pytest.fixture
def opening(home: Path) -> Iterator[object]:
    opened: list[Opened] = []

    def open_engine(case: EngineCase, trouble: str = "") -> Opened:
        opened.append(case.open(home, trouble))
        return opened[-1]

    yield open_engine
    for one in opened:
        one.engine.close()


def count(opened: Opened, request: GenerateRequest) -> Listener:
    listener = Listener()
    listener.request = request
    opened.engine.count(request, listener)
    return listener


@every_engine
def test_a_count_loads_and_does_not_wait_for_answers(opening, case: EngineCase):
    opened = opening(case)
    first = count(opened, request_for("What is the capital of France?")).end(60)
    assert isinstance(first, Counted)
    running = opened.ask(case.endless())
    running.wait_for_text(60)
    second = count(opened, request_for("What is the capital of France?")).end(60)
    assert isinstance(second, Counted)
    assert not running.terminals
    assert second.tokens == first.tokens > 0
    assert all(status.active_requests <= 1 for status in opened.statuses)
    opened.engine.cancel(running.request.id)
    assert running.stop_reason is StopReason.CANCELLED


@every_child
def test_a_child_that_dies_ends_the_counts_that_wait_for_it(opening, case: EngineCase):
    opened = opening(case, "slow-load")
    asked = count(opened, case.question())
    opened.wait_for_status(is_loading, "a load in progress")
    opened.process.kill()
    assert asked.code is NoticeCode.ENGINE_DIED
    opened.wait_for_status(lambda status: status.state == EngineState.FAILED, "failed")
    assert isinstance(count(opened, case.question()).end(60), Counted)


@every_engine
def test_a_count_can_be_cancelled_and_ends_with_its_engine(opening, case: EngineCase):
    opened = opening(case)
    asked = count(opened, case.question())
    opened.engine.cancel(asked.request.id)
    end = asked.end(60)
    assert isinstance(end, Counted) or end.stop_reason is StopReason.CANCELLED  # it may have been as quick
    opened.engine.close()
    assert count(opened, case.question()).code is NoticeCode.MODEL_LOAD_CANCELLED
