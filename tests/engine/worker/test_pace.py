from __future__ import annotations

from app.engine.worker.pace import Pace


def test_the_first_step_is_careful():
    assert Pace(512, is_abortable=True).next_tokens() == 64
    assert Pace(40, is_abortable=True).next_tokens() == 40


def test_a_fast_machine_takes_large_steps():
    pace = Pace(512, is_abortable=True)
    pace.note(64, 0.01)
    assert pace.next_tokens() == 512


def test_a_slow_machine_takes_small_ones():
    pace = Pace(512, is_abortable=True)
    pace.note(64, 0.6)
    assert pace.next_tokens() == 64
    pace.note(64, 20)
    assert pace.next_tokens() == 32


def test_a_step_that_cannot_be_aborted_is_shorter():
    pace = Pace(512, is_abortable=False)
    pace.note(64, 0.1)
    assert pace.next_tokens() == 128


def test_the_rest_of_a_prompt_says_nothing():
    pace = Pace(512, is_abortable=True)
    pace.note(3, 1)
    assert pace.next_tokens() == 64


def test_in_reference_mode_all_steps_are_alike():
    pace = Pace(32, is_abortable=True, is_fixed=True)
    pace.note(32, 100)
    assert pace.next_tokens() == 32
