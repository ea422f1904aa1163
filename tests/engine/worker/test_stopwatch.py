from __future__ import annotations

import time

from app.domain.generation import Timings
from app.engine.worker.stopwatch import Stopwatch


def test_before_it_began_it_says_nothing():
    assert Stopwatch().timings() == Timings()


def test_counts_and_times():
    watch = Stopwatch()
    watch.begin(time.monotonic() - 2, cached=30, total=50)
    waiting = watch.timings()
    assert (waiting.cache_n, waiting.prompt_n) == (30, 20)
    assert waiting.prompt_ms >= 2000
    assert waiting.predicted_ms == 0
    first = watch.sampled()
    watch.thought(first + 3)
    watch.made += 1
    timings = watch.timings()
    assert 2000 <= timings.prompt_ms < 60_000
    assert (timings.predicted_n, timings.reasoning_n) == (1, 1)
    assert timings.reasoning_ms == 3000 or abs(timings.reasoning_ms - 3000) < 1
