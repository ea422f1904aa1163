"""Which layers attend, see a window, or keep a state. What llama.cpp makes of it is compared in
`test_memory`."""

from __future__ import annotations

import msgspec
import pytest

from app.models.gguf import GgufHeader
from app.planning.attention import has_cache, is_windowed, keeps_state, kv_heads, state_values, window_of
from tests.fakes.published import published


def header(architecture: str, **facts: object) -> GgufHeader:
    usual = {"block_count": 8, "embedding_length": 64, "attention.head_count": 4}
    named = {f"{architecture}.{key.replace('__', '.')}": fact for key, fact in {**usual, **facts}.items()}
    return msgspec.structs.replace(
        published("r1-llama-8b"), metadata={"general.architecture": architecture, **named}, tensors=()
    )


def layers(rule: object, of: GgufHeader) -> list[int]:
    return [layer for layer in range(of.layers) if rule(of, layer)]


@pytest.mark.parametrize(
    ("architecture", "facts", "windowed"),
    [
        ("gemma3", {"attention__sliding_window": 512}, [0, 1, 2, 3, 4, 6, 7]),
        ("gemma3", {}, []),
        ("gemma2", {}, [0, 2, 4, 6]),
        ("gpt-oss", {"attention__sliding_window": 128}, [0, 2, 4, 6]),
        ("cohere2moe", {"attention__sliding_window": 128}, [1, 2, 3, 5, 6, 7]),
        ("llama4", {}, [0, 1, 2, 4, 5, 6]),
        ("llama4", {"attention__sliding_window": 0}, []),
        ("olmo2", {"attention__sliding_window": 0}, []),
        ("gemma3", {"attention__sliding_window": 9, "attention__sliding_window_pattern": 2}, [0, 2, 4, 6]),
        (
            "mimo2",
            {"attention__sliding_window": 9, "attention__sliding_window_pattern": (1, 0, 0, 1, 0, 0, 0, 0)},
            [0, 3],
        ),
        ("exaone4", {"attention__sliding_window": 9}, []),  # only the one of 64 layers
        ("phi3", {"attention__sliding_window": 2048}, []),  # llama.cpp does not use it
        ("llama", {"attention__sliding_window": 2048}, []),
    ],
)
def test_windows(architecture, facts, windowed):
    assert layers(is_windowed, header(architecture, **facts)) == windowed


def test_a_window_is_as_large_as_is_said():
    assert window_of(header("gemma3", attention__sliding_window=512)) == 512
    assert window_of(header("gemma2")) == 4096
    assert window_of(header("llama4", attention__sliding_window=99)) == 8192
    assert window_of(header("qwen2", attention__sliding_window=99)) == 0


@pytest.mark.parametrize(
    ("architecture", "facts", "stateful", "cached"),
    [
        ("llama", {}, [], list(range(8))),
        ("mamba2", {}, list(range(8)), []),
        ("falcon-h1", {}, list(range(8)), list(range(8))),
        ("qwen35", {}, [0, 1, 2, 4, 5, 6], [3, 7]),
        ("qwen3next", {"full_attention_interval": 2}, [0, 2, 4, 6], [1, 3, 5, 7]),
        ("qwen35", {"attention__recurrent_layers": (1,) * 7 + (0,)}, list(range(7)), [7]),
        ("lfm2", {"attention__head_count_kv": (0, 2, 0, 2, 0, 2, 0, 2)}, [0, 2, 4, 6], [1, 3, 5, 7]),
        (
            "nemotron_h",
            {
                "attention__head_count_kv": (0, 0, 2, 0, 0, 0, 2, 0),
                "feed_forward_length": (0, 9, 0, 9, 0, 9, 0, 9),
            },
            [0, 4],
            [2, 6],
        ),
        ("glm4moe", {"nextn_predict_layers": 1}, [], list(range(7))),
        ("gemma4", {"attention__shared_kv_layers": 3}, [], list(range(5))),
    ],
)
def test_states_and_caches(architecture, facts, stateful, cached):
    model = header(architecture, **facts)
    assert layers(keeps_state, model) == stateful
    assert layers(has_cache, model) == cached


def test_heads_may_differ_by_layer():
    assert [kv_heads(header("x", attention__head_count_kv=(1, 2)), layer) for layer in (0, 1, 2)] == [1, 2, 0]
    assert kv_heads(header("x", attention__head_count_kv=2), 5) == 2
    assert kv_heads(header("x"), 5) == 4


def test_states():
    assert state_values(header("rwkv7", wkv__head_size=16)) == 64 * (2 + 16)
    assert state_values(header("rwkv6qwen2", wkv__head_size=16, token_shift_count=1)) == 64 * (1 + 16)
    assert state_values(header("lfm2", shortconv__l_cache=3)) == 64 * 2
    assert state_values(header("kimi-linear", kda__head_dim=8, ssm__conv_kernel=4)) == 4 * 8 * (9 + 8)
    ssm = {"ssm__conv_kernel": 4, "ssm__inner_size": 128, "ssm__state_size": 16, "ssm__group_count": 2}
    assert state_values(header("mamba2", **ssm)) == 3 * (128 + 64) + 16 * 128
