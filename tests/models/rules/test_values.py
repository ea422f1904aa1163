"""Values of a wrong type."""

from __future__ import annotations

import pytest

from tests.models.rules.drafts import number, refused

UINT16, UINT32, FLOAT32, BOOL, STRING, UINT64 = 2, 4, 6, 7, 8, 10


@pytest.mark.parametrize(
    ("key", "value", "kind", "found", "allowed"),
    [
        ("llama.block_count", 2, UINT64, "uint64", "uint32"),
        ("llama.block_count", 2.0, FLOAT32, "float32", "uint32"),
        ("llama.attention.head_count", b"4", STRING, "string", "uint32, array"),
        ("llama.rope.freq_base", 10000, UINT32, "uint32", "float32"),
        ("llama.attention.causal", 1, UINT32, "uint32", "bool"),
        ("split.no", 0, UINT32, "uint32", "uint16"),
        ("tokenizer.ggml.model", 1, BOOL, "bool", "string"),
        ("tokenizer.ggml.eos_token_id", 2, UINT16, "uint16", "uint32"),
        ("tokenizer.ggml.add_bos_token", 1, UINT32, "uint32", "bool"),
    ],
)
def test_a_value_is_of_the_type_that_llama_reads(tmp_path, key, value, kind, found, allowed):
    fault = refused(tmp_path, number(key, value, kind))
    assert fault == ("value-type", f"{key} = {found} ({allowed})")


@pytest.mark.parametrize(
    ("key", "kind", "allowed"),
    [
        ("tokenizer.ggml.tokens", UINT32, "string"),
        ("tokenizer.ggml.token_type", FLOAT32, "int32"),
        ("tokenizer.ggml.scores", UINT64, "float32, int32"),
        ("tokenizer.ggml.merges", UINT32, "string"),
        ("tokenizer.ggml.suppress_tokens", UINT32, "int32"),
    ],
)
def test_a_list_is_of_the_type_that_llama_reads(tmp_path, key, kind, allowed):
    fault = refused(tmp_path, number(key, [1] * 600, kind, is_array=True))
    assert fault is not None
    assert fault[0] == "value-type"
    assert fault[1].endswith(f"({allowed})")
