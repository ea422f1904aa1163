"""Compute buffers: the estimate beside what llama.cpp said in dry runs of the same shapes."""

from __future__ import annotations

import pytest

from app.planning.compute import host_bytes, logits_bytes, mask_bytes, step_bytes
from app.planning.shape import shape_of
from tests.fakes.published import published

MIB = 1024 * 1024
# By llama.cpp b0.3.36's dry run on a CPU: 512 tokens a step, a context of 4096.
ON_CPU = {
    "r1-qwen-1.5b": 68.51,
    "r1-qwen-7b": 143.01,
    "r1-qwen-14b": 125.01,
    "r1-qwen-32b": 206.01,
    "r1-llama-8b": 120.01,
    "r1-llama-70b": 236.01,
    "qwen3-30b-a3b": 92.01,
}
# With all layers on a Vulkan device, the CPU keeps this.
BESIDE_A_GPU = {"r1-qwen-1.5b": 10.01, "r1-qwen-7b": 18.01, "r1-qwen-32b": 24.01, "r1-llama-8b": 20.01}


@pytest.mark.parametrize("name", ON_CPU)
def test_a_step_is_estimated_within_a_few_percent_and_not_too_small(name):
    found = step_bytes(shape_of([published(name)]), 512, 4096, 512) / MIB
    assert ON_CPU[name] - 0.02 <= found <= ON_CPU[name] * 1.1


@pytest.mark.parametrize("name", BESIDE_A_GPU)
def test_the_cpu_beside_a_gpu(name):
    found = host_bytes(shape_of([published(name)]), 512, 4096, 512) / MIB
    assert found == pytest.approx(BESIDE_A_GPU[name], abs=0.02)


def test_a_longer_context_has_a_larger_mask():
    shape = shape_of([published("r1-qwen-7b")])
    assert mask_bytes(shape, 512, 16_384, 0) - mask_bytes(shape, 512, 4096, 0) == 12 * MIB
    assert logits_bytes(shape, 4) == 4 * 4 * 152_064
