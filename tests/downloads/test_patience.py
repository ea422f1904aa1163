"""Trying again, a bounded number of times, and stopping at once."""

from __future__ import annotations

import threading

import pytest

from app.domain.notice import NoticeCode
from app.downloads.patience import PROGRESS_BYTES, Patience, StopFlag, Stopped, StopReason
from app.network.door import PassingError


def fault(retry_after_s: float | None = None) -> PassingError:
    error = PassingError.of(NoticeCode.HUB_REFUSED, status=503, host="hub")
    error.retry_after_s = retry_after_s
    return error


def tries(patience: Patience) -> int:
    count = 0
    try:
        while True:
            patience.endure(fault())
            count += 1
    except PassingError:
        return count


def test_patience_ends():
    assert tries(Patience(StopFlag(), (0, 0, 0))) == 3


def test_progress_renews_it_a_crumb_does_not():
    patience = Patience(StopFlag(), (0, 0))
    assert tries(patience) == 2
    patience.progressed(PROGRESS_BYTES - 1)
    assert tries(patience) == 0
    patience.progressed(PROGRESS_BYTES)
    assert tries(patience) == 2


def test_a_question_is_asked_until_it_is_answered():
    answers = [fault(), fault(), "yes"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, PassingError):
            raise answer
        return answer

    assert Patience(StopFlag(), (0, 0)).ask(ask) == "yes"


def test_the_far_side_is_left_alone_as_long_as_it_asks(monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []
    stop = StopFlag()
    monkeypatch.setattr(stop, "wait", waits.append)
    patience = Patience(stop, (0.5, 1))
    patience.endure(fault(7))
    patience.endure(fault(0.1))
    assert waits == [7, 1]


def test_a_wait_that_is_too_long_is_said_instead():
    error = fault(60)
    with pytest.raises(PassingError) as caught:
        Patience(StopFlag(), (0, 0), longest_s=5).endure(error)
    assert caught.value is error


def test_a_wait_ends_when_told_to_stop():
    stop = StopFlag()
    patience = Patience(stop, (600,))
    threading.Timer(0.05, lambda: stop.set(StopReason.PAUSE)).start()
    with pytest.raises(Stopped):
        patience.endure(fault())
    with pytest.raises(Stopped):
        patience.endure(fault())


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ([StopReason.PAUSE], StopReason.PAUSE),
        ([StopReason.PAUSE, StopReason.CANCEL], StopReason.CANCEL),
        ([StopReason.CANCEL, StopReason.PAUSE], StopReason.CANCEL),
        ([StopReason.CANCEL, StopReason.CLOSE], StopReason.CANCEL),
        ([StopReason.CLOSE, StopReason.CANCEL], StopReason.CLOSE),
    ],
)
def test_a_cancel_overrules_a_pause(said: list[StopReason], counts: StopReason):
    stop = StopFlag()
    for reason in said:
        stop.set(reason)
    assert stop.reason is counts


def test_what_waits_is_interrupted_also_when_it_comes_late():
    stop = StopFlag()
    calls: list[str] = []
    stop.check()
    stop.when_set(lambda: calls.append("early"))
    stop.set(StopReason.CLOSE)
    assert stop.is_set
    stop.when_set(lambda: calls.append("late"))
    assert calls == ["early", "late"]
    with pytest.raises(Stopped):
        stop.check()
