from __future__ import annotations

from app.domain.generation import Timings


def test_speed_is_tokens_by_second():
    assert Timings(predicted_n=30, predicted_ms=1500).predicted_per_second == 20


def test_an_answer_that_took_no_time_has_no_speed():
    assert Timings(predicted_n=30).predicted_per_second == 0
