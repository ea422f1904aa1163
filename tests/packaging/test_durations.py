"""What is measured is kept beside what was measured before."""

from __future__ import annotations

import pytest

from tests.packaging.scripts import load

durations = load("durations")


def test_each_part_keeps_its_last_time(tmp_path):
    file = tmp_path / "build" / "durations.json"
    assert durations.durations(file) == {}
    for name in ("wheel", "freezing", "wheel"):
        with durations.measured(name, file):
            pass
    kept = durations.durations(file)
    assert list(kept) == ["wheel", "freezing"]
    assert kept["wheel"]["seconds"] >= 0
    assert kept["wheel"]["load"] >= 0


def test_what_failed_is_not_measured(tmp_path):
    file = tmp_path / "durations.json"
    with pytest.raises(OSError, match="broken"), durations.measured("wheel", file):
        raise OSError("broken")
    assert durations.durations(file) == {}
