from __future__ import annotations

from app.engine.worker.stepclock import StepClock


def test_a_step_in_progress_has_a_size_and_a_time():
    clock = StepClock()
    assert clock.running() == (0, 0.0)
    clock.begin(64)
    tokens, milliseconds = clock.running()
    assert tokens == 64
    assert milliseconds >= 0
    assert clock.steps == 0
    clock.end()
    assert clock.running() == (0, 0.0)
    assert clock.steps == 1
