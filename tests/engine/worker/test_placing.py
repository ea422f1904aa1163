"""A plan's layers and devices in llama.cpp's parameters."""

from __future__ import annotations

import re

import pytest

from app.domain.engine import LoadPlan
from app.domain.notice import NoticeCode
from app.engine.worker.placing import experts_pattern, parameters_of, uses_gpu
from app.errors import KnownError
from tests.engine.worker.conftest import plan_of


def plan(**fields: object) -> LoadPlan:
    return LoadPlan(model_id="m", model_path="m", **fields)


def test_a_reference_run_uses_no_gpu():
    assert uses_gpu(plan(gpu_layers=-1))
    assert not uses_gpu(plan(gpu_layers=-1, reference=True))
    assert not uses_gpu(plan())


@pytest.mark.parametrize("layers", [1, 3, 12, 48])
def test_only_experts_of_the_first_layers_are_named(layers):
    pattern = re.compile(experts_pattern(layers).decode())
    for layer in range(60):
        for part in ("up", "down", "gate", "gate_up"):
            assert bool(pattern.search(f"blk.{layer}.ffn_{part}_exps.weight")) == (layer < layers)
        assert not pattern.search(f"blk.{layer}.ffn_up.weight")
        assert not pattern.search(f"blk.{layer}.ffn_up_shexp.weight")
        assert not pattern.search(f"blk.{layer}.ffn_gate_inp.weight")


@pytest.mark.llama
def test_without_a_gpu_there_is_an_empty_list_of_devices(library):
    parameters, kept = parameters_of(library, plan(cpu_expert_layers=3, tensor_split=(1.0,)))
    assert parameters.n_gpu_layers == 0
    assert [array[0] for array in kept] == [None]
    assert not parameters.tensor_buft_overrides


@pytest.mark.llama
def test_experts_are_sent_to_the_buffers_that_llama_cpp_knows_as_the_cpus(library):
    parameters, kept = parameters_of(library, plan(gpu_layers=-1, cpu_expert_layers=2))
    overrides = kept[-1]
    assert parameters.tensor_buft_overrides
    assert overrides[0].pattern == experts_pattern(2)
    assert overrides[0].buft == library.cpu_buffers()
    assert (overrides[1].pattern, overrides[1].buft) == (None, None)


@pytest.mark.llama
def test_a_split_has_a_number_for_every_device_there_can_be(library):
    parameters, kept = parameters_of(
        library, plan(gpu_layers=-1, devices=("CPU", "CPU"), tensor_split=(3.0, 1.0))
    )
    split = kept[-1]
    assert len(split) == library.api.llama_max_devices()
    assert list(split)[:3] == [3.0, 1.0, 0.0]
    assert parameters.tensor_split[0] == 3.0


@pytest.mark.llama
def test_a_device_that_is_gone_is_named(library):
    with pytest.raises(KnownError) as caught:
        parameters_of(library, plan_of_gone())
    assert caught.value.notice.code is NoticeCode.ENGINE_DRIVER_FAILED
    assert caught.value.notice.facts["detail"] == "no device Vulkan7"


def plan_of_gone() -> LoadPlan:
    return plan(gpu_layers=3, devices=("Vulkan7",))


@pytest.mark.llama
def test_with_experts_on_the_cpu_a_model_still_loads(library):
    from app.engine.worker.model import load_model
    from tests.fakes.tiny_models import tiny_model

    # Where there is no GPU all layers are on the CPU anyway, but the pattern is read and must be a good one.
    wished = plan_of(tiny_model("qwen3moe"), gpu_layers=-1, cpu_expert_layers=4, memory_map=False)
    model = load_model(library, wished, lambda _progress: None, lambda: False)
    assert model.layers == 5
    model.close()
