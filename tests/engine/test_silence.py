"""When a child is hung, and when it only looks like it."""

from __future__ import annotations

import pytest

from app.domain.engine import EngineState, LoadedModel
from app.domain.generation import Phase
from app.engine.base import PhaseMoved, TextGrew
from app.engine.process import LifeSigns
from app.engine.silence import Limits, Silence
from app.engine.wire import Heartbeat, Loaded, LoadProgress
from tests.fakes.clock import FakeClock

READY = EngineState.READY


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def silence(clock: FakeClock) -> Silence:
    return Silence(Limits(), clock)


def beat(silence: Silence, clock: FakeClock, steps: int, tokens: int = 0, ms: float = 0.0) -> None:
    clock.advance(0.5)
    silence.saw(Heartbeat(steps=steps, step_tokens=tokens, step_ms=ms))


def test_beating_alone_proves_nothing(silence: Silence, clock: FakeClock):
    beat(silence, clock, steps=7, tokens=512)
    for beats in range(20):
        beat(silence, clock, steps=7, tokens=512, ms=500.0 * beats)
    assert silence.silent_s == pytest.approx(10)


def test_a_finished_step_is_life(silence: Silence, clock: FakeClock):
    beat(silence, clock, steps=7)
    beat(silence, clock, steps=8)
    assert silence.silent_s == 0


@pytest.mark.parametrize(
    "frame",
    [
        TextGrew(id="a", content="x"),
        PhaseMoved(id="a", phase=Phase.PREFILL, done=64, total=128),
        LoadProgress(progress=0.5),
        Loaded(model=LoadedModel(context_tokens=1, layers=1, gpu_layers=0)),
    ],
)
def test_news_is_life(silence: Silence, clock: FakeClock, frame):
    clock.advance(3)
    silence.saw(frame)
    assert silence.silent_s == 0


@pytest.mark.parametrize(
    "frame",
    [
        PhaseMoved(id="a", phase=Phase.PREFILL, done=64, total=128),
        LoadProgress(progress=0.5),
        TextGrew(id="a"),
    ],
)
def test_the_same_again_is_not(silence: Silence, clock: FakeClock, frame):
    silence.saw(frame)
    silence.restart()
    clock.advance(3)
    silence.saw(frame)
    assert silence.silent_s == 3


def test_the_first_step_of_a_size_gets_a_minute(silence: Silence, clock: FakeClock):
    assert silence.limit_s(READY) == 60
    beat(silence, clock, steps=0, tokens=512)
    assert silence.limit_s(READY) == 60


def test_later_ones_get_ten_times_the_longest(silence: Silence, clock: FakeClock):
    beat(silence, clock, steps=0, tokens=512)
    beat(silence, clock, steps=0, tokens=512, ms=1500)
    beat(silence, clock, steps=1, tokens=512)  # ended at most half a second after it was last seen
    assert silence.limit_s(READY) == pytest.approx(20)
    beat(silence, clock, steps=1, tokens=1)
    assert silence.limit_s(READY) == 60
    beat(silence, clock, steps=2, tokens=1)
    assert silence.limit_s(READY) == 5


def test_steps_too_short_to_be_seen_leave_the_usual_limit(silence: Silence):
    silence.saw(PhaseMoved(id="a", phase=Phase.PREFILL, done=0, total=128))
    silence.saw(PhaseMoved(id="a", phase=Phase.PREFILL, done=64, total=128))
    silence.saw(Heartbeat(steps=1, step_tokens=64))
    assert silence.limit_s(READY) == 5


def test_prefill_of_another_request_says_nothing_about_step_sizes(silence: Silence):
    silence.saw(PhaseMoved(id="a", phase=Phase.PREFILL, done=0, total=128))
    silence.saw(PhaseMoved(id="b", phase=Phase.PREFILL, done=64, total=128))
    silence.saw(Heartbeat(steps=1, step_tokens=64))
    assert silence.limit_s(READY) == 60


def test_the_first_decode_step_gets_a_minute_too(silence: Silence):
    silence.saw(Heartbeat(steps=0, step_tokens=64))
    silence.saw(PhaseMoved(id="a", phase=Phase.DECODE))
    assert silence.limit_s(READY) == 60
    silence.saw(TextGrew(id="a", content="x"))
    assert silence.limit_s(READY) == 5


def test_starting_and_loading_have_their_own_limits(clock: FakeClock):
    silence = Silence(Limits(start_silent_s=7, load_silent_s=9), clock)
    assert (silence.limit_s(EngineState.STARTING), silence.limit_s(EngineState.LOADING)) == (7, 9)


def signs(cpu_s: float = 0.0, io_bytes: int = 0) -> LifeSigns:
    return LifeSigns(cpu_s=cpu_s, io_bytes=io_bytes)


def test_computing_is_life(silence: Silence, clock: FakeClock):
    silence.saw_signs(signs(cpu_s=1.0))
    clock.advance(2)
    silence.saw_signs(signs(cpu_s=1.5))
    assert silence.silent_s == 0


def test_what_beating_costs_is_not(silence: Silence, clock: FakeClock):
    for second in range(120):  # one millisecond of CPU time a second
        silence.saw_signs(signs(cpu_s=1.0 + second / 1000))
        clock.advance(1)
    assert silence.silent_s == 120


def test_a_tenth_of_a_core_is_life(silence: Silence, clock: FakeClock):
    for tick in range(40):
        silence.saw_signs(signs(cpu_s=tick * 0.025))
        assert silence.silent_s < 1
        clock.advance(0.25)


def test_reading_is_life(silence: Silence, clock: FakeClock):
    silence.saw_signs(signs(io_bytes=100))
    clock.advance(2)
    silence.saw_signs(signs(io_bytes=200))
    assert silence.silent_s == 2
    silence.saw_signs(signs(io_bytes=100_000))
    assert silence.silent_s == 0


def test_a_helper_that_ended_takes_its_times_along(silence: Silence, clock: FakeClock):
    silence.saw_signs(signs(cpu_s=5.0))
    clock.advance(1)
    silence.saw_signs(signs(cpu_s=1.0))
    clock.advance(1)
    assert silence.silent_s == 2
    silence.saw_signs(signs(cpu_s=2.0))
    assert silence.silent_s == 0


def test_a_child_that_is_gone_gives_no_signs(silence: Silence, clock: FakeClock):
    clock.advance(1)
    silence.saw_signs(None)
    assert silence.silent_s == 1


# Several answers at once


def test_a_prompt_read_among_answers_gets_a_minute_for_its_first_step(silence: Silence, clock: FakeClock):
    """The answers' own steps were short; what they wait for now may compile shaders."""
    silence.saw(TextGrew(id="a", content="x"))
    beat(silence, clock, steps=100, tokens=3, ms=1)
    beat(silence, clock, steps=200, tokens=515, ms=100)
    for beats in range(100):
        assert silence.silent_s < silence.limit_s(READY)
        beat(silence, clock, steps=200, tokens=515, ms=100 + 500 * beats)
    assert silence.limit_s(READY) == 60


def test_short_steps_between_two_beats_are_not_one_long_one(silence: Silence, clock: FakeClock):
    """While many answers stream, beats are rare. A hang would be noticed after five minutes."""
    beat(silence, clock, steps=0, tokens=4, ms=1)
    clock.advance(29.5)
    beat(silence, clock, steps=3000, tokens=4)
    assert silence.limit_s(READY) == 5


def test_text_ends_the_step_that_was_seen_last(silence: Silence, clock: FakeClock):
    """A hang soon after four began to answer was noticed after a minute."""
    beat(silence, clock, steps=3, tokens=4, ms=2)
    assert silence.limit_s(READY) == 60
    clock.advance(0.7)
    silence.saw(TextGrew(id="a", content="x"))
    assert silence.limit_s(READY) == 5
    beat(silence, clock, steps=5, tokens=4, ms=2)
    assert silence.limit_s(READY) == pytest.approx(7.02)


def test_one_answers_text_is_life_while_another_is_read(silence: Silence, clock: FakeClock):
    for _ in range(20):
        clock.advance(4)
        silence.saw(TextGrew(id="a", content="x"))
        assert silence.silent_s == 0
