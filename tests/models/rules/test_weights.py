"""Types of tensors: the operations of ggml abort at those they do not know."""

from __future__ import annotations

import pytest

from app.models.ggml_types import TENSOR_TYPES
from tests.models.rules.drafts import refused

F16, Q8_1, I32, F64 = 1, 9, 26, 28


def of_type(name: str, kind: int):
    def change(draft):
        tensor = next(tensor for tensor in draft.tensors if tensor.name == name.encode())
        if tensor.shape[0] % TENSOR_TYPES[kind].block:
            tensor.shape[0] = TENSOR_TYPES[kind].block
        tensor.kind = kind
        at = 0
        for tensor in draft.tensors:
            tensor.offset = at
            at += tensor.size_bytes + -tensor.size_bytes % 32

    return change


@pytest.mark.parametrize(
    ("architecture", "name"),
    [
        ("llama", "blk.0.attn_norm.weight"),
        ("llama", "output_norm.weight"),
        ("qwen2", "blk.0.attn_q.bias"),
        ("qwen3", "blk.1.attn_q_norm.weight"),
        ("gpt-oss", "blk.0.ffn_up_exps.bias"),
        ("gpt-oss", "blk.0.attn_sinks.weight"),
        ("mamba2", "blk.0.ssm_conv1d.weight"),
        ("mamba2", "blk.0.ssm_a"),
        ("mamba2", "blk.0.ssm_d"),
        ("lfm2", "blk.0.shortconv.conv.weight"),
    ],
)
@pytest.mark.parametrize("kind", [F16, Q8_1, I32, F64])
def test_what_is_added_or_multiplied_is_32_bit(tmp_path, architecture, name, kind):
    fault = refused(tmp_path, of_type(name, kind), architecture)
    assert fault == ("weights", f"{name} = {TENSOR_TYPES[kind].name} (F32)")


@pytest.mark.parametrize("kind", [Q8_1, I32, F64])
def test_a_matrix_is_of_a_type_that_can_be_computed_with(tmp_path, kind):
    fault = refused(tmp_path, of_type("blk.0.ffn_up.weight", kind))
    assert fault == ("weights", f"blk.0.ffn_up.weight = {TENSOR_TYPES[kind].name}")


def test_every_other_type_of_a_matrix_is_fine(tmp_path):
    for kind, type_ in TENSOR_TYPES.items():
        if type_.name not in ("I8", "I16", "I32", "I64", "F64", "Q8_1", "Q8_K"):
            assert refused(tmp_path, of_type("blk.0.ffn_up.weight", kind)) is None, type_


@pytest.mark.parametrize(
    ("architecture", "name"),
    [
        ("mamba", "ssm_conv1d.bias"),
        ("mamba2", "ssm_conv1d.bias"),
        ("falcon-h1", "ssm_conv1d.bias"),
        ("qwen35", "attn_gate.weight"),
    ],
)
def test_what_llama_follows_without_asking_is_there(tmp_path, architecture, name):
    lost = f"blk.0.{name}"

    def change(draft):
        draft.tensors = [tensor for tensor in draft.tensors if tensor.name != lost.encode()]
        at = 0
        for tensor in draft.tensors:
            tensor.offset = at
            at += tensor.size_bytes + -tensor.size_bytes % 32

    assert refused(tmp_path, change, architecture) == ("tensor-missing", lost)
