"""Matrices that are not as wide as their heads: reshaping them ended an engine child."""

from __future__ import annotations

import pytest

from tests.models.rules.drafts import number, refused


@pytest.mark.parametrize(
    ("architecture", "key", "value", "is_array", "tensor"),
    [
        ("qwen2", "attention.head_count", 8, False, "blk.0.attn_q.weight = 128 (256)"),
        ("gpt-oss", "attention.value_length", 16, False, "blk.0.attn_v.weight = 64 (32)"),
        ("gemma3", "attention.head_count_kv", 1, False, "blk.0.attn_k.weight = 64 (32)"),
        ("qwen3moe", "attention.head_count_kv", [4, 4], True, "blk.0.attn_k.weight = 64 (128)"),
    ],
)
def test_a_matrix_is_as_wide_as_its_heads(tmp_path, architecture, key, value, is_array, tensor):
    change = number(f"{architecture}.{key}", value, is_array=is_array)
    assert refused(tmp_path, change, architecture) == ("heads", tensor)


@pytest.mark.parametrize(
    ("architecture", "key", "counts", "value"),
    [
        ("lfm2", "attention.head_count", [5, 4], "5 (4)"),
        ("gemma3", "attention.head_count_kv", [2, 1], "2 (1)"),
        ("qwen3moe", "attention.head_count_kv", [2, 4], "4 (2)"),
        ("qwen35", "attention.head_count_kv", [2, 4], "4 (2)"),
    ],
)
def test_all_layers_have_as_many_heads(tmp_path, architecture, key, counts, value):
    change = number(f"{architecture}.{key}", counts, is_array=True)
    assert refused(tmp_path, change, architecture) == ("heads", f"{architecture}.{key} = {value}")


def test_windowed_layers_are_not_made_otherwise_than_the_rest(tmp_path):
    change = number("gpt-oss.attention.value_length_swa", 128)
    assert refused(tmp_path, change, "gpt-oss") == (
        "heads",
        "gpt-oss.attention.value_length_swa = 128 (32)",
    )
