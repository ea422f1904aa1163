"""Sums over layers say what `memory` says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.engine import Device, LoadPlan
from app.planning.budget import Budget
from app.planning.layout import Sums
from app.planning.memory import shares
from app.planning.shape import shape_of
from tests.fakes.published import SHAPES, published

SHAPE = {name: shape_of([published(name)]) for name in SHAPES}
RAM = Budget(device=Device(name="CPU"), bytes=2**50, bandwidth=4e10)


def card(gib: float, pace: float = 2e11) -> Budget:
    return Budget(device=Device(name="G"), bytes=int(gib * 2**30), bandwidth=pace)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(SHAPES)),
    st.integers(0, 81),
    st.integers(0, 81),
    st.sampled_from(("f16", "q8_0")),
    st.integers(1000, 40_000),
)
def test_the_same_bytes_as_layer_by_layer(name, layers, experts, cache, context):
    shape = SHAPE[name]
    layers = min(layers, len(shape.layers) + 1)
    experts = min(experts, len(shape.layers)) if shape.experts else 0
    plan = LoadPlan(
        model_id="m",
        model_path="m",
        gpu_layers=layers,
        devices=("G",),
        cpu_expert_layers=experts,
        kv_type=cache,
        context_tokens=context,
    )
    sums, found = Sums(shape, plan), shares(shape, plan)
    start = sums.count - layers
    on_cpu = experts if layers else 0
    assert sums.ram_bytes(start, on_cpu) == found[0].total
    if layers:
        mine = sums.gpu_bytes(start, sums.count, experts) + sums.gpu_compute(start, experts)
        assert mine == found[1].total


def test_gpus_are_filled_in_order_and_the_last_takes_what_is_left():
    sums = Sums(SHAPE["r1-qwen-14b"], LoadPlan(model_id="m", model_path="m", context_tokens=8192))
    layout = sums.lay(49, 0, RAM, (card(4), card(20)), (0, 0))
    assert layout.fits
    assert 0 < layout.ends[0] < layout.ends[1] == 49
    assert not sums.lay(49, 0, RAM, (card(4), card(2)), (0, 0)).fits
    tight = sums.lay(49, 0, RAM, (card(4), card(20)), (2**30, 0))
    assert tight.ends[0] < layout.ends[0]


def test_what_lies_in_faster_memory_is_read_faster():
    sums = Sums(SHAPE["qwen3-30b-a3b"], LoadPlan(model_id="m", model_path="m"))
    one = (card(40),)
    seconds = [sums.lay(49, experts, RAM, one, (0,)).seconds for experts in (0, 10, 48)]
    assert seconds == sorted(seconds)
    # Of 128 experts a token reads 8: on the CPU they cost a sixteenth of what they weigh.
    moved = SHAPE["qwen3-30b-a3b"].expert_bytes / 16
    assert seconds[2] - seconds[0] > moved / RAM.bandwidth - moved / one[0].bandwidth
    on_cpu = sums.lay(0, 0, RAM, (), ())
    assert on_cpu.seconds > seconds[2]
    assert not sums.lay(0, 0, Budget(device=RAM.device, bytes=2**30, bandwidth=4e10), (), ()).fits
