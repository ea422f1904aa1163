"""Every rung asks less than the one above it, and the ladder ends."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.engine import LoadPlan
from app.planning.ladder import safer

plans = st.builds(
    LoadPlan,
    model_id=st.just("m"),
    model_path=st.just("/m"),
    batch_tokens=st.integers(1, 4096),
    gpu_layers=st.just(-1) | st.integers(0, 200),
    context_tokens=st.integers(1, 1_000_000),
)


def cost(plan: LoadPlan) -> tuple[int, float, int]:
    layers = math.inf if plan.gpu_layers < 0 else plan.gpu_layers
    return (plan.batch_tokens, layers, plan.context_tokens)


@settings(deadline=None)  # a busy machine is no failure
@given(plans)
def test_it_goes_down_strictly_and_ends(plan: LoadPlan):
    rungs = [plan]
    while (lower := safer(rungs[-1])) is not None:
        changes = [a != b for a, b in zip(cost(lower), cost(rungs[-1]), strict=True)]
        assert sum(changes) == 1  # one step at a time, so that the one that helped is known
        assert cost(lower) < cost(rungs[-1])
        rungs.append(lower)
        assert len(rungs) < 40
    assert rungs[-1].gpu_layers == 0


@settings(deadline=None)  # a busy machine is no failure
@given(plans)
def test_the_rest_of_the_plan_stays(plan: LoadPlan):
    lower = safer(plan)
    if lower is not None:
        assert (lower.model_id, lower.model_path, lower.kv_type) == (
            plan.model_id,
            plan.model_path,
            plan.kv_type,
        )


def test_the_order_of_the_rungs():
    plan = LoadPlan(model_id="m", model_path="/m", batch_tokens=512, gpu_layers=28, context_tokens=4096)
    seen = []
    while (lower := safer(plan)) is not None:
        plan = lower
        seen.append((plan.batch_tokens, plan.gpu_layers, plan.context_tokens))
    assert seen == [
        (128, 28, 4096),
        (128, 14, 4096),
        (128, 7, 4096),
        (128, 3, 4096),
        (128, 0, 4096),
        (128, 0, 2048),
        (128, 0, 1024),
    ]
