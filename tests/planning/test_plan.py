"""How a model is placed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.engine import Device
from app.domain.model import Model, ModelOptions
from app.planning.budget import is_software
from app.planning.plan import Machine, best_gpu, kv_bytes, plan_for, this_machine

GIB = 1024**3

MODEL = Model(
    id="m:q4", name="m", path="/models/m.gguf", size_bytes=5 * GIB, layers=32, context_tokens=131_072
)
CPU = Device(name="CPU", kind="cpu", free_bytes=32 * GIB)
AS_IT_IS = ModelOptions()


def gpu(free_gib: float, name: str = "Vulkan0", description: str = "NVIDIA RTX", kind: str = "gpu") -> Device:
    return Device(name=name, description=description, kind=kind, free_bytes=int(free_gib * GIB))


def machine(*devices: Device, memory_gib: int = 32) -> Machine:
    return Machine(devices=(CPU, *devices), memory_bytes=memory_gib * GIB)


def test_without_a_gpu_all_stays_on_the_cpu():
    plan = plan_for(MODEL, AS_IT_IS, machine())
    assert (plan.gpu_layers, plan.devices, plan.threads) == (0, (), 0)
    assert (plan.model_id, plan.model_path) == ("m:q4", "/models/m.gguf")


def test_a_gpu_with_room_takes_everything():
    plan = plan_for(MODEL, AS_IT_IS, machine(gpu(12)))
    assert (plan.gpu_layers, plan.devices) == (33, ("Vulkan0",))


def test_a_smaller_one_takes_what_fits():
    layers = [plan_for(MODEL, AS_IT_IS, machine(gpu(free))).gpu_layers for free in (0.5, 2, 4, 6, 8)]
    assert layers == sorted(layers)
    assert layers[0] == 0
    assert 0 < layers[2] < 33


def test_a_gpu_that_takes_nothing_is_not_named():
    assert plan_for(MODEL, AS_IT_IS, machine(gpu(0.5))).devices == ()


@pytest.mark.parametrize(
    "description", ["llvmpipe (LLVM 15.0.6, 256 bits)", "SwiftShader Device", "Microsoft Basic Render Driver"]
)
def test_a_software_device_is_never_chosen(description: str):
    device = gpu(100, description=description)
    assert is_software(device)
    assert plan_for(MODEL, AS_IT_IS, machine(device)).gpu_layers == 0


def test_a_person_may_choose_it_all_the_same():
    device = gpu(100, description="llvmpipe")
    plan = plan_for(MODEL, ModelOptions(gpu_layers=-1), machine(device))
    assert (plan.gpu_layers, plan.devices) == (33, ("Vulkan0",))
    assert plan_for(MODEL, ModelOptions(gpu_layers=-1), machine()).gpu_layers == -1


def test_the_freest_gpu_is_taken_and_an_integrated_one_only_alone():
    integrated = gpu(30, "Vulkan1", "Radeon Graphics", "igpu")
    assert best_gpu((integrated,)) == integrated
    assert best_gpu((integrated, gpu(4), gpu(8, "Vulkan2"))).name == "Vulkan2"
    assert best_gpu((CPU,)) is None


@pytest.mark.parametrize(
    ("wished", "trained", "memory_gib", "given_tokens"),
    [
        (None, 131_072, 32, 8192),
        (None, 131_072, 4, 4096),
        (None, 2048, 32, 2048),
        (32_768, 131_072, 4, 32_768),
        (999_999, 131_072, 32, 131_072),
        (1, 131_072, 32, 256),
        (None, 0, 32, 8192),
    ],
)
def test_context(wished: int | None, trained: int, memory_gib: int, given_tokens: int):
    model = Model(id="m", name="m", path="/m", size_bytes=1, layers=2, context_tokens=trained)
    plan = plan_for(model, ModelOptions(context_tokens=wished), machine(memory_gib=memory_gib))
    assert plan.context_tokens == given_tokens


def test_a_longer_context_leaves_less_room():
    short = plan_for(MODEL, ModelOptions(context_tokens=4096), machine(gpu(6)))
    long = plan_for(MODEL, ModelOptions(context_tokens=65_536), machine(gpu(6)))
    assert long.gpu_layers < short.gpu_layers
    assert kv_bytes(MODEL, 8192) == GIB


def test_threads_are_passed_on():
    assert plan_for(MODEL, ModelOptions(threads=3), machine()).threads == 3


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(0, 200 * GIB), st.integers(0, 100), st.integers(0, 200 * GIB), st.integers(0, 1_000_000))
def test_any_model_on_any_machine_has_a_plan(size: int, layers: int, free: int, trained: int):
    model = Model(id="m", name="m", path="/m", size_bytes=size, layers=layers, context_tokens=trained)
    device = Device(name="Vulkan0", kind="gpu", free_bytes=free)
    plan = plan_for(model, AS_IT_IS, Machine(devices=(device,), memory_bytes=free))
    assert 0 <= plan.gpu_layers <= max(layers, 1) + 1
    assert plan.context_tokens > 0


def test_this_machine_has_memory():
    assert this_machine((CPU,)).memory_bytes > 0
