"""One pull, from its order to its end: asked and told exactly once, ended at any moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from app.domain.notice import NoticeCode
from app.domain.transfer import Transfer, TransferState
from app.downloads.job import Job
from app.downloads.patience import StopReason
from app.downloads.plan import Order
from app.errors import KnownError
from tests.downloads.rig import REPO, Rig
from tests.fakes.hub_faults import FOREVER
from tests.fakes.hub_server import HubServer
from tests.waiting import wait_until

S = TransferState
Outcome = Transfer | KnownError


def job(rig: Rig, on_planned: Callable[[Outcome], None] = lambda outcome: None) -> Job:
    return Job(rig.downloads, Order(REPO, None, "main", rig.server.environment), on_planned)


@pytest.mark.parametrize("reason", list(StopReason))
def test_a_job_that_is_stopped_before_it_begins_answers_and_does_nothing(
    rig: Rig, server: HubServer, reason: StopReason
):
    answers: list[Outcome] = []
    stopped = job(rig, answers.append)
    stopped.stop.set(reason)
    stopped.run()
    (answer,) = answers
    assert isinstance(answer, KnownError)
    assert answer.notice.code is NoticeCode.DOWNLOAD_INTERRUPTED
    assert stopped.planned.is_set()
    assert (server.log(), rig.said) == ([], [])


@pytest.mark.parametrize(
    ("reason", "last"),
    [(StopReason.PAUSE, S.PAUSED), (StopReason.CANCEL, S.CANCELLED), (StopReason.CLOSE, S.QUEUED)],
)
def test_a_job_can_be_stopped_by_the_one_who_is_told(rig: Rig, reason: StopReason, last: TransferState):
    answers: list[Outcome] = []

    def stop(outcome: Outcome) -> None:
        answers.append(outcome)
        stopped.stop.set(reason)

    stopped = job(rig, stop)
    stopped.run()
    assert len(answers) == 1
    assert rig.said[-1].state is last
    assert rig.files() == {}


def test_whoever_is_told_may_fail(rig: Rig, expect_log: Callable[[str], None]):
    def broken(outcome: Outcome) -> None:
        raise ZeroDivisionError

    expect_log("A download failed unexpectedly")
    job(rig, broken).run()
    assert (rig.said[-1].state, rig.files()) == (S.FAILED, {})


def test_an_answer_comes_once_also_when_the_rest_fails(rig: Rig, server: HubServer):
    answers: list[Outcome] = []
    server.fault("flip", after=100_000, times=FOREVER)
    job(rig, answers.append).run()
    (answer,) = answers
    assert isinstance(answer, Transfer)
    assert [said.state for said in rig.said][-1] is S.FAILED


def test_a_stop_while_verifying_is_heard(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    stopped = job(rig)
    monkeypatch.setattr(
        rig.downloads,
        "_on_change",
        lambda said: (
            stopped.stop.set(StopReason.PAUSE) if said.state is S.VERIFYING else rig.said.append(said)
        ),
    )
    stopped.run()
    assert rig.said[-1].state is S.PAUSED
    assert rig.said[-1].done_bytes == rig.said[-1].size_bytes
    assert rig.finished().state is S.DONE
    assert len(rig.server.log("cdn")) == 1


def test_a_transfer_that_is_being_stopped_is_waited_for(
    rig: Rig, server: HubServer, monkeypatch: pytest.MonkeyPatch
):
    released = threading.Event()

    def hear(said: Transfer) -> None:
        rig.said.append(said)
        if said.state is S.PAUSED:
            released.wait(20)

    monkeypatch.setattr(rig.downloads, "_on_change", hear)
    server.fault("stall", after=300_000)
    first = rig.begun()
    wait_until(lambda: server.log("cdn"))
    rig.downloads.pause(first.id)
    wait_until(lambda: S.PAUSED in rig.states(first))
    answers: list[Outcome] = []
    rig.downloads.pull(REPO, None, "main", server.environment, answers.append)
    wait_until(lambda: len(server.log("resolve", "HEAD")) == 2)
    assert answers == []
    released.set()
    rig.idle()
    assert [answer.id for answer in answers if isinstance(answer, Transfer)] == [first.id]
    assert rig.states(first)[-1] is S.DONE
