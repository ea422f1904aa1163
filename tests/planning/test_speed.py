"""Bandwidths, and speeds as ranges."""

from __future__ import annotations

from app.domain.engine import Device
from app.planning.speed import USUAL_BANDWIDTH, bandwidth, speed_range


def test_what_was_measured_counts():
    device = Device(name="G", kind="gpu")
    assert bandwidth(device, {}) == USUAL_BANDWIDTH["gpu"]
    assert bandwidth(device, {"G": 1e9}) == 1e9
    assert bandwidth(Device(name="x", kind="meta"), {}) == USUAL_BANDWIDTH["cpu"]


def test_a_guess_has_a_wider_range():
    low, high = speed_range(0.1, is_measured=True)
    assert low < 10 < high
    wide_low, wide_high = speed_range(0.1, is_measured=False)
    assert wide_low < low < high < wide_high
    assert speed_range(0, is_measured=True) == (0, 0)
