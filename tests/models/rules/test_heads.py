"""How heads are divided: each of these ended an engine child once."""

from __future__ import annotations

import pytest

from tests.models.rules.drafts import number, refused

INT32 = 5


def dropped(key: str):
    return lambda draft: draft.items.remove(draft.item(key))


@pytest.mark.parametrize(
    ("architecture", "key", "count", "allowed"),
    [
        ("llama", "attention.head_count", 0, "1-"),
        ("llama", "attention.head_count_kv", 3, "4 / n"),
        ("llama", "attention.head_count_kv", 8, "4 / n"),
        ("qwen2", "attention.value_length", 64, "32"),
        ("qwen3", "rope.dimension_count", 16, "32"),
        ("gemma3", "rope.dimension_count", 64, "0-32"),
        ("gemma3", "rope.dimension_count", 5, "0-32"),
        ("gemma3", "rope.dimension_count_swa", 256, "0-32"),
        ("gemma3", "rope.dimension_count_swa", 5, "0-32"),
        ("deepseek2", "rope.dimension_count", 32, "0-31"),
        ("deepseek2", "attention.key_length_mla", 2, ""),
        ("deepseek2", "attention.key_length", 82, "80"),
        ("deepseek2", "attention.value_length", 65, "64"),
        ("deepseek2", "attention.head_count_kv", 2, "0-1"),
    ],
)
def test_heads_that_do_not_add_up(tmp_path, architecture, key, count, allowed):
    fault = refused(tmp_path, number(f"{architecture}.{key}", count), architecture)
    assert fault is not None
    assert fault[0] == "heads"
    assert not allowed or fault[1] == f"{architecture}.{key} = {count} ({allowed})"


def test_one_layer_without_heads_is_enough(tmp_path):
    change = number("llama.attention.head_count", [4, 0], is_array=True)
    assert refused(tmp_path, change) == ("heads", "llama.attention.head_count = 0 (1-)")


def test_a_division_by_no_heads_at_all(tmp_path):
    assert refused(tmp_path, dropped("llama.attention.head_count")) == (
        "heads",
        "llama.attention.head_count = 0 (1-)",
    )


@pytest.mark.parametrize("architecture", ["mamba", "mamba2"])
def test_what_does_not_attend_needs_no_heads(tmp_path, architecture):
    assert refused(tmp_path, lambda draft: None, architecture) is None


def test_an_embedding_is_divided_without_a_rest(tmp_path):
    def change(draft):
        draft.items = [item for item in draft.items if b"_length" not in item.key or b"mla" in item.key]
        for key, count in (("context", 512), ("embedding", 128), ("feed_forward", 256)):
            draft.set(f"llama.{key}_length", count)
        draft.set("llama.attention.head_count", 6)

    assert refused(tmp_path, change) == ("heads", "llama.attention.head_count = 6 (128 / n)")


def test_latent_heads_are_as_many_in_each_layer(tmp_path):
    change = number("deepseek2.attention.head_count_kv", [1, 2], is_array=True)
    assert refused(tmp_path, change, "deepseek2") is not None
    none = number("deepseek2.attention.head_count_kv", [1, 0], is_array=True)
    assert refused(tmp_path, none, "deepseek2") is not None
    without = dropped("deepseek2.attention.head_count_kv")
    assert refused(tmp_path, without, "deepseek2") is not None  # then there are as many as for queries


@pytest.mark.parametrize("sections", [[70, 38, 28, 18], [0, 0, 0, 0], [-4, 8, 4, 0]])
def test_directions_share_what_there_is(tmp_path, sections):
    change = number("qwen35.rope.dimension_sections", sections, INT32, is_array=True)
    fault = refused(tmp_path, change, "qwen35")
    assert fault is not None
    assert "dimension_sections" in fault[1]


@pytest.mark.parametrize(("value", "is_array"), [(1, False), ([], True), ([0, 0], True)])
def test_a_window_that_no_layer_has(tmp_path, value, is_array):
    key = "gemma3.attention.sliding_window_pattern"
    fault = refused(tmp_path, number(key, value, is_array=is_array), "gemma3")
    assert fault == ("heads", f"{key} = 1 (2-)")


def test_a_window_whose_sums_overflow(tmp_path):
    key = "gpt-oss.attention.sliding_window"
    assert refused(tmp_path, number(key, 2**24), "gpt-oss") is None
    assert refused(tmp_path, number(key, 2**31 - 1), "gpt-oss") == (
        "heads",
        f"{key} = 2147483647 (0-16777216)",
    )
