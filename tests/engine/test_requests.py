"""Each request gets exactly one terminal event and nothing after it."""

from __future__ import annotations

import pytest

from app.domain.generation import Phase, StopReason
from app.domain.notice import Notice, NoticeCode
from app.engine.base import Counted, Failed, Finished, PhaseMoved, TextGrew
from app.engine.requests import Requests
from tests.fakes.listener import Listener, request_for

NOTICE = Notice(code=NoticeCode.ENGINE_DIED)


@pytest.fixture
def counts() -> list[int]:
    return []


@pytest.fixture
def requests(counts: list[int]) -> Requests:
    table = Requests(lambda: counts.append(len(table)))
    return table


def add(requests: Requests, request_id: str, *, sent: bool = True) -> Listener:
    listener = Listener()
    requests.add(request_for("x", request_id=request_id), listener, Phase.QUEUED)
    if sent:
        for waiting in requests.unsent():
            waiting.is_sent = True
    return listener


def test_events_are_handed_on(requests: Requests, counts: list[int]):
    heard = add(requests, "a")
    requests.came(PhaseMoved(id="a", phase=Phase.DECODE))
    assert requests.phase == Phase.DECODE
    requests.came(TextGrew(id="a", content="x"))
    requests.came(Finished(id="a", stop_reason=StopReason.END))
    requests.came(Finished(id="a", stop_reason=StopReason.END))
    requests.came(TextGrew(id="a", content="y"))
    assert (heard.text, heard.stop_reason, counts) == ("x", StopReason.END, [1, 0])
    assert "a" not in requests


def test_the_phase_is_that_of_the_oldest_that_is_worked_on(requests: Requests):
    """Background work that was sent first may still wait when the others are read and answered."""
    for request_id in "abc":
        add(requests, request_id)
    requests.came(PhaseMoved(id="c", phase=Phase.DECODE))
    assert requests.phase == Phase.DECODE
    requests.came(PhaseMoved(id="b", phase=Phase.PREFILL))
    assert requests.phase == Phase.PREFILL


def test_a_failure_ends_one_and_leaves_the_others(requests: Requests):
    one, other = add(requests, "a"), add(requests, "b")
    requests.came(Failed(id="a", notice=NOTICE))
    assert one.code == NoticeCode.ENGINE_DIED
    assert not other.terminals
    assert len(requests) == 1


def test_what_was_not_sent_cannot_have_been_answered(requests: Requests):
    heard = add(requests, "a", sent=False)
    requests.came(Finished(id="a", stop_reason=StopReason.END))
    assert not heard.terminals
    assert not requests.are_sent
    assert requests.phase == Phase.QUEUED


def test_abandoned_ids_stay_in_use_until_the_child_lets_go(requests: Requests):
    heard = add(requests, "a")
    assert requests.abandon("a")
    assert heard.stop_reason == StopReason.CANCELLED
    assert ("a" in requests, requests.are_sent, len(requests)) == (True, True, 0)
    requests.came(Finished(id="a", stop_reason=StopReason.CANCELLED))
    assert ("a" in requests, requests.are_sent) == (False, False)


def test_abandoned_ids_are_free_when_the_child_is_gone(requests: Requests):
    add(requests, "a")
    requests.abandon("a")
    requests.child_gone()
    assert "a" not in requests


def test_a_child_need_not_hear_of_what_it_never_got(requests: Requests):
    add(requests, "a", sent=False)
    assert not requests.abandon("a")
    assert not requests.abandon("a")
    assert "a" not in requests


def test_all_can_be_ended(requests: Requests):
    failed = [add(requests, "a"), add(requests, "b", sent=False)]
    requests.fail_all(NOTICE)
    cancelled = [add(requests, "c"), add(requests, "d", sent=False)]
    requests.cancel_all()
    assert [one.code for one in failed] == [NoticeCode.ENGINE_DIED] * 2
    assert [one.stop_reason for one in cancelled] == [StopReason.CANCELLED] * 2


def test_a_listener_may_ask_again_while_it_is_told(requests: Requests):
    again = Listener()

    def ask_again(event: object) -> None:
        if isinstance(event, Failed):
            requests.add(request_for("again", request_id="a"), again, Phase.QUEUED)

    requests.add(request_for("x", request_id="a"), ask_again, Phase.QUEUED)
    requests.fail_all(NOTICE)
    assert ("a" in requests, again.terminals) == (True, [])


def test_a_count_is_no_answer_and_one_that_was_given_up_is_owed_no_longer(requests: Requests):
    """Else a child that owes nothing would be taken for one that hangs."""
    heard = Listener()
    requests.add(request_for("x", request_id="c"), heard, Phase.QUEUED, is_count=True)
    for waiting in requests.unsent():
        waiting.is_sent = True
    assert (len(requests), requests.active, requests.are_sent) == (1, 0, True)
    requests.abandon("c")
    assert requests.are_sent
    requests.came(Counted(id="c", tokens=3, context_tokens=4096))
    assert not requests.are_sent
    assert heard.stop_reason is StopReason.CANCELLED
