"""Speed and time left: right when it is steady, calm when it is not."""

from __future__ import annotations

import itertools
import random

import pytest

from app.downloads.rate import Rate, TimeLeft
from tests.fakes.clock import FakeClock


def test_a_steady_stream_has_its_speed_from_the_beginning():
    clock = FakeClock()
    rate = Rate(clock)
    for _ in range(100):
        clock.advance(0.25)
        rate.add(250)
        assert rate.bytes_per_second == pytest.approx(1000)


def test_it_follows_within_seconds():
    clock = FakeClock()
    rate = Rate(clock)
    for _ in range(80):
        clock.advance(0.25)
        rate.add(250)
    for _ in range(60):
        clock.advance(0.25)
        rate.add(500)
        rate.bytes_per_second  # noqa: B018
    assert rate.bytes_per_second == pytest.approx(2000, rel=0.05)
    clock.advance(60)
    assert rate.bytes_per_second == pytest.approx(0, abs=1)


def test_before_anything_came_there_is_no_speed():
    rate = Rate(FakeClock())
    rate.add(100)
    assert rate.bytes_per_second == 0


def test_what_comes_in_bursts_does_not_jump():
    clock, chance = FakeClock(), random.Random(1)
    rate = Rate(clock)
    seen: list[float] = []
    for _ in range(400):
        clock.advance(0.25)
        rate.add(chance.choice([0, 0, 1000]))
        seen.append(rate.bytes_per_second)
    steps = [abs(after - before) / before for before, after in itertools.pairwise(seen[40:])]
    assert max(steps) < 0.35


def left_over(speeds: list[int]) -> list[float | None]:
    clock = FakeClock()
    left = TimeLeft(clock)
    missing = 1_000_000
    shown: list[float | None] = []
    for speed in speeds:
        clock.advance(0.25)
        left.add(speed // 4)
        missing -= speed // 4
        shown.append(left.seconds(missing))
    return shown


def test_the_time_left_runs_down_like_a_clock():
    shown = left_over([1000] * 400)
    for number, seconds in enumerate(shown, 1):
        assert seconds == pytest.approx(1000 - number * 0.25, rel=0.02)


def test_the_time_left_does_not_jump_when_the_speed_does():
    shown = left_over([1000] * 200 + [100, 3000] * 50)
    steps = [abs((after or 0) - (before or 0)) for before, after in itertools.pairwise(shown)]
    assert max(steps) < 20


def test_the_time_left_is_unknown_before_and_after():
    assert left_over([0, 0]) == [None, None]
    assert left_over([1000] * 8 + [0] * 800)[-1] is None
