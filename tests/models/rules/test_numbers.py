"""Each of these ended an engine child once: llama.cpp asserts what it should have checked."""

from __future__ import annotations

import pytest

from tests.models.rules.drafts import number, refused

FLOAT32, STRING = 6, 8


@pytest.mark.parametrize("count", [0, 513, 2**31])
def test_a_model_has_between_one_and_512_layers(tmp_path, count):
    fault = ("number", f"llama.block_count = {count} (1-512)")
    assert refused(tmp_path, number("llama.block_count", count)) == fault


def test_no_more_layers_predict_than_there_are(tmp_path):
    assert refused(tmp_path, number("llama.nextn_predict_layers", 2)) is None
    fault = refused(tmp_path, number("llama.nextn_predict_layers", 3))
    assert fault == ("number", "llama.nextn_predict_layers = 3 (0-2)")


@pytest.mark.parametrize("key", ["attention.head_count", "attention.head_count_kv", "feed_forward_length"])
def test_a_list_by_layer_has_an_entry_for_each(tmp_path, key):
    fault = refused(tmp_path, number(f"llama.{key}", [4, 4, 4], is_array=True))
    assert fault == ("layers", f"llama.{key} = 3 (2)")


def test_a_context_of_three_tokens_overran_the_heap(tmp_path):
    assert refused(tmp_path, number("llama.context_length", 3)) == (
        "number",
        "llama.context_length = 3 (32-)",
    )


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"expert_count": 1025}, "expert_count = 1025 (1-1024)"),
        ({"expert_count": 0}, "expert_count = 0 (1-1024)"),
        ({"expert_used_count": 0}, "expert_used_count = 0 (1-8)"),
        ({"expert_used_count": 9}, "expert_used_count = 9 (1-8)"),
        ({"expert_group_count": 8}, "expert_group_count = 8 (0-7)"),
        ({"expert_group_count": 3, "expert_group_used_count": 1}, "expert_group_count = 3 (8 / n)"),
        ({"expert_group_count": 4}, "expert_group_used_count = 0 (1-3)"),
        ({"expert_group_count": 4, "expert_group_used_count": 4}, "expert_group_used_count = 4 (1-3)"),
    ],
)
def test_experts_add_up(tmp_path, changes, value):
    def change(draft):
        for key, count in changes.items():
            draft.set(f"qwen3moe.{key}", count)

    assert refused(tmp_path, change, "qwen3moe") == ("experts", f"qwen3moe.{value}")


def test_a_way_to_choose_experts_that_llama_does_not_know(tmp_path):
    fault = refused(tmp_path, number("deepseek2.expert_gating_func", 5), "deepseek2")
    assert fault == ("experts", "deepseek2.expert_gating_func = 5 (0-4)")


def test_experts_in_groups_that_add_up_are_fine(tmp_path):
    def change(draft):
        draft.set("qwen3moe.expert_group_count", 4)
        draft.set("qwen3moe.expert_group_used_count", 2)

    assert refused(tmp_path, change, "qwen3moe") is None


def test_no_experts_are_used_where_there_are_none(tmp_path):
    assert refused(tmp_path, number("llama.expert_used_count", 2)) == (
        "experts",
        "llama.expert_used_count = 2 (0)",
    )


def test_every_layer_asks_as_many_experts(tmp_path):
    change = number("gpt-oss.expert_used_count", [1, 4], is_array=True)
    assert refused(tmp_path, change, "gpt-oss") == ("experts", "gpt-oss.expert_used_count = 4 (=)")


@pytest.mark.parametrize("name", [b"", b"?", b"linear ", b"YARN"])
def test_a_scaling_that_llama_does_not_know(tmp_path, name):
    fault = refused(tmp_path, number("llama.rope.scaling.type", name, STRING))
    assert fault is not None
    assert fault[0] == "rope-scaling"


@pytest.mark.parametrize("name", [b"none", b"linear", b"yarn", b"longrope", b"yarn\0x"])
def test_a_scaling_that_llama_knows(tmp_path, name):
    assert refused(tmp_path, number("llama.rope.scaling.type", name, STRING)) is None


@pytest.mark.parametrize("epsilon", [-1.0, float("nan"), float("-inf")])
def test_what_is_added_before_a_division_is_not_negative(tmp_path, epsilon):
    key = "llama.attention.layer_norm_rms_epsilon"
    assert refused(tmp_path, number(key, epsilon, FLOAT32)) == ("number", f"{key} = {epsilon} (0-)")


def test_a_temperature_needs_its_length(tmp_path):
    def scaled(draft):
        draft.set("deepseek2.attention.temperature_scale", 0.5, FLOAT32)

    def with_length(draft):
        scaled(draft)
        draft.set("deepseek2.attention.temperature_length", 64)

    assert refused(tmp_path, scaled, "deepseek2") == (
        "number",
        "deepseek2.attention.temperature_length = 0 (1-)",
    )
    assert refused(tmp_path, with_length, "deepseek2") is None
