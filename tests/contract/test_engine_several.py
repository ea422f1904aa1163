"""What every engine promises to several requests at once: the same tests for a script and for llama.cpp.

Four are answered at once (a plan's slots), a fifth waits. Faults come when the engine has reported the
phases, as in `test_engine`.
"""

from __future__ import annotations

import signal
import time

import msgspec
import psutil
import pytest

from app.domain.generation import Phase, Priority, StopReason
from app.domain.notice import NoticeCode
from app.engine.base import Finished
from tests.contract.engine_cases import BY_NAME, EngineCase, Opened, is_in_prefill
from tests.contract.test_engine import DEADLINE_S, check_gone
from tests.fakes.listener import Listener
from tests.waiting import wait_until

FOUR = ("one river", "two stones", "three clouds", "four letters")
WORDS = 10


def params(
    *names: str, tiny: tuple[pytest.MarkDecorator, ...] = (pytest.mark.llama,)
) -> pytest.MarkDecorator:
    cases = [pytest.param(BY_NAME[name], id=name, marks=tiny if name == "tiny" else ()) for name in names]
    return pytest.mark.parametrize("case", cases)


every_engine = params("scripted", "scripted-child", "tiny")
every_child = params("scripted-child", "tiny")


def begin(opened: Opened, *texts: str) -> list[Listener]:
    """Returns when all have said their first words; none of them ends by itself."""
    asked = [opened.ask(opened.case.talking(text)) for text in texts]
    for one in asked:
        one.wait_for_text(60)
    check_going(asked)
    return asked


def check_going(asked: list[Listener]) -> None:
    """Each says more than it had."""
    for one, before in [(one, len(one.text)) for one in asked]:
        wait_until(lambda: len(one.text) > before, 60, "more text")  # noqa: B023
        assert not one.terminals


def relatives_of(opened: Opened) -> list[psutil.Process]:
    """The child and what it has started."""
    return [opened.process, *opened.process.children(recursive=True)]


@every_engine
def test_four_at_once_each_get_their_own_words(opening, case: EngineCase):
    opened = opening(case)
    alone = []
    for text in FOUR:
        alone.append(opened.ask(case.talking(text, WORDS)))
        alone[-1].end(60)
    at_once = [opened.ask(case.talking(text, WORDS)) for text in FOUR]
    for one, same in zip(at_once, alone, strict=True):
        assert isinstance(one.end(60), Finished)
        assert one.text == same.text
        assert {event.id for event in one.events} == {one.request.id}
    assert len({one.text for one in at_once}) == len(FOUR)
    begun = [one.at[one.events.index(one.wait_for_text())] for one in at_once]
    assert max(begun) < min(one.at[-1] for one in at_once)
    assert opened.engine.status.active_requests == 0


@every_engine
def test_stop_of_one_of_four_is_felt_at_once_and_the_others_go_on(opening, case: EngineCase):
    opened = opening(case)
    asked = begin(opened, *FOUR)
    assert opened.engine.status.active_requests == len(FOUR)
    while asked:
        stopped, before = asked.pop(1 % len(asked)), time.monotonic()
        opened.engine.cancel(stopped.request.id)
        assert stopped.stop_reason == StopReason.CANCELLED
        assert stopped.at[-1] - before < DEADLINE_S
        check_going(asked)
    opened.check_next_is_answered()


@every_engine
def test_a_fifth_waits_and_can_be_stopped_there(opening, case: EngineCase):
    opened = opening(case)
    asked = begin(opened, *FOUR)
    fifth = opened.ask(case.question())
    fifth.wait_for_phase(Phase.QUEUED)
    check_going(asked)
    opened.engine.cancel(fifth.request.id)
    assert fifth.stop_reason == StopReason.CANCELLED
    assert set(fifth.phases) == {Phase.QUEUED}
    check_going(asked)
    sixth = opened.ask(case.question())
    opened.engine.cancel(asked.pop().request.id)
    assert isinstance(sixth.end(60), Finished)
    assert len(fifth.terminals) == 1
    check_going(asked)


@every_engine
def test_a_person_goes_before_background_work(opening, case: EngineCase):
    opened = opening(case)
    asked = begin(opened, *FOUR)
    background, person = (
        opened.ask(msgspec.structs.replace(case.question(), priority=priority))
        for priority in (Priority.BACKGROUND, Priority.INTERACTIVE)
    )
    person.wait_for_phase(Phase.QUEUED)
    opened.engine.cancel(asked[0].request.id)
    assert isinstance(background.end(60), Finished)
    assert isinstance(person.end(60), Finished)
    begun = background.wait_for_phase(Phase.PREFILL)
    assert person.at[-1] <= background.at[background.events.index(begun)]


@every_child
def test_killed_with_requests_in_every_phase(opening, case: EngineCase):
    opened = opening(case)
    decoding = begin(opened, *FOUR[:3])
    reading = opened.ask(case.long_prompt())
    reading.wait(is_in_prefill, "prefill", 60)
    queued = opened.ask(case.question())
    queued.wait_for_phase(Phase.QUEUED)
    relatives = relatives_of(opened)
    assert opened.engine.status.active_requests == len(decoding) + 2
    relatives[0].send_signal(signal.SIGKILL)
    everyone = [*decoding, reading, queued]
    assert [one.code for one in everyone] == [NoticeCode.ENGINE_DIED] * len(everyone)
    assert {one.end().notice.facts["signal"] for one in everyone} == {"SIGKILL"}
    assert Phase.DECODE not in reading.phases
    assert set(queued.phases) == {Phase.QUEUED}
    for relative in relatives:
        check_gone(relative)
    opened.check_next_is_answered()
    assert opened.engine.status.pid != relatives[0].pid
    assert all(len(one.terminals) == 1 for one in everyone)


@params("scripted-child", "tiny", tiny=(pytest.mark.llama, pytest.mark.slow))
def test_stopped_by_a_signal_with_four(opening, case: EngineCase):
    opened = opening(case)
    asked, relatives = begin(opened, *FOUR), relatives_of(opened)
    relatives[0].suspend()
    asked[0].end(60)
    assert [one.code for one in asked] == [NoticeCode.ENGINE_HUNG] * len(asked)
    assert {one.end().notice.facts["phase"] for one in asked} == {Phase.DECODE}
    for relative in relatives:
        check_gone(relative)
    opened.check_next_is_answered()
