"""No restart loop."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.engine import LoadPlan
from app.engine.deaths import Deaths, Verdict, difference
from tests.fakes.clock import FakeClock

PLAN = LoadPlan(model_id="m", model_path="/m", batch_tokens=512)


def halve(plan: LoadPlan) -> LoadPlan | None:
    return (
        msgspec.structs.replace(plan, batch_tokens=plan.batch_tokens // 2) if plan.batch_tokens > 1 else None
    )


def deaths(clock: FakeClock, ladder=halve) -> Deaths:
    return Deaths(PLAN, ladder, forget_after_s=600, clock=clock)


def test_the_first_death_is_tried_again_with_the_same_plan():
    record = deaths(FakeClock())
    assert record.record() == Verdict.RETRY
    assert record.plan == PLAN


def test_the_second_steps_down_and_the_third_stops():
    record = deaths(FakeClock())
    assert [record.record() for _ in range(3)] == [Verdict.RETRY, Verdict.STEP_DOWN, Verdict.STOP]
    assert record.plan.batch_tokens == 256


def test_at_the_foot_of_the_ladder_the_plan_stays():
    record = deaths(FakeClock(), lambda _: None)
    assert [record.record() for _ in range(3)] == [Verdict.RETRY, Verdict.RETRY, Verdict.STOP]
    assert record.plan == PLAN


def test_old_deaths_are_forgotten():
    clock = FakeClock()
    record = deaths(clock)
    for _ in range(5):
        assert record.record() == Verdict.RETRY
        clock.advance(601)
    assert record.plan == PLAN


def test_a_persons_load_forgives_everything():
    record = deaths(FakeClock())
    for _ in range(3):
        record.record()
    record.reset()
    assert (record.plan, record.count) == (PLAN, 0)
    assert record.record() == Verdict.RETRY


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.floats(min_value=0, max_value=100), min_size=3, max_size=12))
def test_three_deaths_within_the_memory_always_stop(pauses: list[float]):
    clock = FakeClock()
    record = deaths(clock)
    verdicts = []
    for pause in pauses:
        clock.advance(pause)
        verdicts.append(record.record())
    # Every death is within 600 s of the two before it: the third is the last one tried.
    assert verdicts[2] == Verdict.STOP


def test_the_difference_of_two_plans():
    assert difference(PLAN, halve(PLAN) or PLAN) == "batch_tokens 512 → 256"
    assert difference(PLAN, PLAN) == ""
