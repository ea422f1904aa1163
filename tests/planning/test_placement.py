"""The search, on paper machines and published models."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.engine import Device, LoadPlan
from app.domain.model import ModelOptions
from app.planning.memory import shares
from app.planning.placement import Found, Machine, search
from app.planning.shape import shape_of
from tests.fakes.published import SHAPES, published
from tests.planning.tables import GIB, TABLES, WISHED, card, machine

SHAPE = {name: shape_of([published(name)]) for name in SHAPES}
FREE = ModelOptions()
EVERY = list(itertools.product(SHAPES, TABLES))

# Layers on each device, layers whose experts are on the CPU, cache, step, context: reviewed by hand. All
# that is not
# here is wholly on the first card.
GOLDEN = {
    ("r1-qwen-14b", "8 GB"): ((32,), 0, "f16", 512, 8192),
    ("r1-qwen-32b", "8 GB"): ((19,), 0, "f16", 512, 8192),
    ("r1-qwen-32b", "12 GB"): ((31,), 0, "f16", 512, 8192),
    ("r1-qwen-32b", "16 GB"): ((42,), 0, "f16", 512, 8192),
    ("r1-qwen-32b", "12 + 8 GB"): ((32, 19), 0, "f16", 512, 8192),
    ("r1-llama-70b", "8 GB"): ((10,), 0, "f16", 512, 8192),
    ("r1-llama-70b", "12 GB"): ((17,), 0, "f16", 512, 8192),
    ("r1-llama-70b", "16 GB"): ((25,), 0, "f16", 512, 8192),
    ("r1-llama-70b", "24 GB"): ((39,), 0, "f16", 512, 8192),
    ("r1-llama-70b", "12 + 8 GB"): ((20, 11), 0, "q8_0", 128, 8192),
    ("r1-llama-70b", "integrated"): ((39,), 0, "f16", 512, 8192),
    ("qwen3-30b-a3b", "8 GB"): ((49,), 35, "f16", 512, 8192),
    ("qwen3-30b-a3b", "12 GB"): ((49,), 24, "f16", 512, 8192),
    ("qwen3-30b-a3b", "16 GB"): ((49,), 14, "f16", 512, 8192),
    ("qwen3-30b-a3b", "12 + 8 GB"): ((32, 17), 5, "f16", 512, 8192),
}


def found(model: str, table: tuple[Device, ...], ram_gib: float = 32, **options: object) -> Found:
    return search(SHAPE[model], WISHED, ModelOptions(**options), machine(table, ram_gib))


def summary(plan: LoadPlan) -> tuple[object, ...]:
    split = tuple(map(int, plan.tensor_split)) or ((plan.gpu_layers,) if plan.gpu_layers else ())
    return split, plan.cpu_expert_layers, plan.kv_type, plan.batch_tokens, plan.context_tokens


@pytest.mark.parametrize(("model", "table"), EVERY)
def test_golden(model, table):
    whole = () if table in ("none", "software") else (len(SHAPE[model].layers) + 1,)
    expected = GOLDEN.get((model, table), (whole, 0, "f16", 512, 8192))
    assert summary(found(model, TABLES[table]).plan) == expected


@pytest.mark.parametrize(("model", "table"), EVERY)
def test_no_device_is_asked_for_more_than_it_may_give(model, table):
    result = found(model, TABLES[table])
    check_fits(model, result)


def check_fits(model: str, result: Found) -> None:
    """By the other arithmetic, that of `memory`, which a real load was compared with."""
    cpu, *gpus = shares(SHAPE[model], result.plan)
    assert len(gpus) == len(result.gpus)
    for share, budget in zip(gpus, result.gpus, strict=True):
        assert share.total <= budget.bytes < budget.device.free_bytes
    if not result.layout.is_over_ram:
        shared = sum(s.total for s, b in zip(gpus, result.gpus, strict=True) if b.is_shared)
        assert cpu.total + shared <= result.ram.bytes


def test_the_fastest_card_is_filled_first_and_of_two_alike_the_emptier():
    result = found("r1-qwen-7b", TABLES["12 + 8 GB"])
    assert result.plan.devices == ("G1",)
    slow = msgspec.structs.replace(machine(TABLES["12 + 8 GB"]), bandwidths={"G0": 9e11, "G1": 1e11})
    assert search(SHAPE["r1-qwen-7b"], WISHED, FREE, slow).plan.devices == ("G0",)


def test_an_integrated_gpu_is_left_alone_beside_a_card():
    devices = (card("I", 30, "igpu", "Radeon Graphics"), card("G0", 8))
    assert found("r1-qwen-32b", devices).plan.devices == ("G0",)


def test_what_is_chosen_stays_even_if_it_does_not_fit():
    result = found("r1-qwen-32b", TABLES["8 GB"], gpu_layers=-1)
    assert (result.plan.gpu_layers, result.layout.fits) == (65, False)
    result = found("r1-qwen-7b", TABLES["24 GB"], gpu_layers=5, kv_type="q4_0", batch_tokens=64)
    assert (result.plan.gpu_layers, result.plan.kv_type, result.plan.batch_tokens) == (5, "q4_0", 64)
    result = found("qwen3-30b-a3b", TABLES["24 GB"], cpu_expert_layers=40, context_tokens=20_000)
    assert (result.plan.cpu_expert_layers, result.plan.context_tokens) == (40, 20_000)
    result = found("r1-qwen-7b", TABLES["12 + 8 GB"], devices=("G0",))
    assert result.plan.devices == ("G0",)
    assert found("r1-qwen-7b", TABLES["24 GB"], gpu_layers=0).plan.gpu_layers == 0
    assert found("r1-qwen-7b", TABLES["24 GB"], context_tokens=10**9).plan.context_tokens == 131_072


def test_experts_are_chosen_for_layers_that_are_given():
    result = found("qwen3-30b-a3b", TABLES["8 GB"], gpu_layers=49)
    assert result.plan.gpu_layers == 49
    assert result.plan.cpu_expert_layers > 0
    assert result.layout.fits


def test_a_smaller_cache_is_taken_where_it_brings_everything_onto_the_card():
    # Between what all of it takes with a plain cache and with a smaller one.
    for gib in range(90, 200):
        result = found("r1-qwen-14b", (card("G0", gib / 10),))
        if result.is_whole:
            break
    assert (result.plan.kv_type, result.plan.batch_tokens) == ("q8_0", 128)


def test_a_context_is_shortened_only_when_nothing_else_helps():
    assert found("r1-qwen-14b", (), 11.5).plan.context_tokens < 8192
    assert found("r1-qwen-14b", (), 11.5, context_tokens=8192).plan.context_tokens == 8192
    assert found("r1-qwen-14b", (), 4).plan.context_tokens == 4096  # nothing helps


def test_what_a_dry_run_found_is_kept_free():
    plain = search(SHAPE["r1-qwen-32b"], WISHED, FREE, machine(TABLES["12 GB"]))
    more = search(SHAPE["r1-qwen-32b"], WISHED, FREE, machine(TABLES["12 GB"]), {"G0": GIB})
    assert 0 < plain.plan.gpu_layers - more.plan.gpu_layers < 5


def test_nothing_is_known_of_the_machine():
    plan = search(SHAPE["r1-qwen-7b"], WISHED, FREE, Machine()).plan
    assert (plan.gpu_layers, plan.context_tokens) == (0, 8192)


sizes = st.floats(0, 50, allow_nan=False)
kinds = st.sampled_from(("gpu", "gpu", "igpu"))
MODELS = st.sampled_from(sorted(SHAPES))


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    devices = tuple(
        card(f"G{index}", draw(sizes), draw(kinds), "card") for index in range(draw(st.integers(0, 3)))
    )
    paces = {device.name: draw(st.floats(5e10, 1e12)) for device in devices if draw(st.booleans())}
    return msgspec.structs.replace(machine(devices, draw(st.floats(1, 100))), bandwidths=paces)


@settings(deadline=None)
@given(MODELS, machines(), st.sampled_from((None, 512, 5000, 32_768)))
def test_a_plan_never_exceeds_its_devices(model, on, context):
    result = search(SHAPE[model], WISHED, ModelOptions(context_tokens=context), on)
    check_fits(model, result)
    assert result.plan.gpu_layers == sum(share.layers for share in shares(SHAPE[model], result.plan)[1:])


@settings(deadline=None)
@given(MODELS, machines(), st.floats(0, 40), st.integers(0, 3))
def test_more_memory_never_gives_a_slower_plan(model, on, more_gib, where):
    more = int(more_gib * GIB)
    larger = [
        msgspec.structs.replace(
            device, free_bytes=device.free_bytes + more, total_bytes=device.total_bytes + more
        )
        if index == where
        else device
        for index, device in enumerate(on.devices)
    ]
    ram = more if where == 3 else 0
    richer = msgspec.structs.replace(
        on,
        devices=tuple(larger),
        memory_bytes=on.memory_bytes + ram,
        available_bytes=on.available_bytes + ram,
    )
    wished = ModelOptions(context_tokens=4096, kv_type="f16", batch_tokens=512)
    before, after = (search(SHAPE[model], WISHED, wished, each) for each in (on, richer))
    assert after.layout.rank <= before.layout.rank
