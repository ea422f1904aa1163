"""The rate limit: for all together, felt at once, never in the way of a stop."""

from __future__ import annotations

import pytest

from app.downloads.patience import StopFlag, Stopped, StopReason
from app.downloads.throttle import Throttle
from tests.fakes.clock import FakeClock


class Waits(StopFlag):
    """Lets the fake clock pass instead of waiting."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.waited: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.clock.advance(seconds)


def test_bytes_come_at_the_rate_that_is_set():
    clock = FakeClock()
    stop, start = Waits(clock), clock()
    throttle = Throttle(lambda: 1000, clock)
    for _ in range(50):
        throttle.take(100, stop)
    assert clock() - start == pytest.approx(5)


def test_a_pause_is_not_made_up_for():
    clock = FakeClock()
    stop = Waits(clock)
    throttle = Throttle(lambda: 1000, clock)
    clock.advance(60)
    throttle.take(500, stop)
    assert stop.waited == [pytest.approx(0.45)]


def test_waits_that_take_too_long_are_made_up_for():
    clock = FakeClock()
    start = clock()

    class Late(Waits):
        def wait(self, seconds: float) -> None:
            super().wait(seconds + 0.02)

    throttle, stop = Throttle(lambda: 1000, clock), Late(clock)
    for _ in range(50):
        throttle.take(100, stop)
    assert clock() - start == pytest.approx(5, abs=0.1)


def test_a_change_is_felt_at_the_next_piece_and_none_is_no_wait():
    clock = FakeClock()
    stop = Waits(clock)
    limits = [0, 1000, 2000, 0]
    throttle = Throttle(lambda: limits.pop(0), clock)
    for _ in range(4):
        throttle.take(1000, stop)
    assert stop.waited == [1.0, 0.5]


def test_those_who_wait_share_the_rate():
    clock = FakeClock()

    class Nobody(StopFlag):
        def wait(self, seconds: float) -> None:
            waits.append(seconds)

    waits: list[float] = []
    throttle = Throttle(lambda: 1000, clock)
    for _ in range(4):
        throttle.take(1000, Nobody())
    assert waits == [1.0, 2.0, 3.0, 4.0]


def test_a_stop_ends_the_wait():
    stop = StopFlag()
    stop.set(StopReason.PAUSE)
    with pytest.raises(Stopped):
        Throttle(lambda: 1).take(1_000_000, stop)
