"""The speed shown is that of the last seconds."""

from __future__ import annotations

import pytest

from app.downloads.rate import Rate
from tests.fakes.clock import FakeClock


def test_a_steady_stream_has_its_speed():
    clock = FakeClock()
    rate = Rate(clock)
    for _ in range(100):
        clock.advance(0.25)
        rate.add(250)
    assert rate.bytes_per_second == pytest.approx(1000, rel=0.06)


def test_it_settles_within_the_window():
    clock = FakeClock()
    rate = Rate(clock)
    rate.add(1_000_000)
    clock.advance(5)
    rate.add(50)
    clock.advance(0.5)
    assert rate.bytes_per_second == pytest.approx(10)
    clock.advance(10)
    assert rate.bytes_per_second == 0


def test_the_first_moment_is_not_infinitely_fast():
    rate = Rate(FakeClock())
    rate.add(100)
    assert rate.bytes_per_second == 1000


def test_many_small_counts_are_kept_together():
    clock = FakeClock()
    rate = Rate(clock)
    for _ in range(10_000):
        clock.advance(0.0001)
        rate.add(1)
    assert len(rate._counts) <= 11
