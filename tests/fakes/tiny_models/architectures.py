"""What llama.cpp asks of a file of each architecture: the keys of its header and its tensors.

Each recipe returns both for a shape; what all have in common (sizes, vocabulary, embedding, output) is the
writer's.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.tiny_models.shape import Shape
from tests.fakes.tiny_models.tensors import (
    SHARP,
    Tensor,
    attention,
    bias,
    experts,
    feed_forward,
    matrix,
    norm,
    scan,
)

Items = dict[str, object]
Recipe = Callable[[Shape], tuple[Items, list[Tensor]]]
EPSILON = {"attention.layer_norm_rms_epsilon": 1e-6}
# Gemma multiplies its embedding by the root of its size: what the layers add must not drown in it.
LOUD = 14.0


def llama(shape: Shape) -> tuple[Items, list[Tensor]]:
    return _plain(shape)


def qwen2(shape: Shape) -> tuple[Items, list[Tensor]]:
    return _plain(shape, has_biases=True)


def qwen3(shape: Shape) -> tuple[Items, list[Tensor]]:
    return _plain(shape, has_norms=True)


def gemma3(shape: Shape) -> tuple[Items, list[Tensor]]:
    """Every second layer sees a window only (of real ones five of six)."""
    items, tensors = _plain(shape, has_norms=True)
    items |= {"attention.sliding_window": shape.window, "attention.sliding_window_pattern": 2}
    for layer in range(shape.layers):
        tensors += [
            norm(f"blk.{layer}.{after}_norm", shape.embedding, around=LOUD)
            for after in ("post_attention", "post_ffw")
        ]
    return items, tensors


def qwen3moe(shape: Shape) -> tuple[Items, list[Tensor]]:
    items = _sizes(shape) | _expert_sizes(shape)
    tensors = [_last(shape)]
    for layer in range(shape.layers):
        tensors += [*_norms(shape, layer), *attention(shape, layer, has_norms=True), *experts(shape, layer)]
    return items, tensors


def gpt_oss(shape: Shape) -> tuple[Items, list[Tensor]]:
    """Experts, sinks, and a window in every second layer."""
    items = _sizes(shape) | _expert_sizes(shape) | {"attention.sliding_window": shape.window}
    tensors = [_last(shape)]
    for layer in range(shape.layers):
        block, hidden = f"blk.{layer}", shape.expert_feed_forward
        tensors += [
            norm(f"{block}.attn_norm", shape.embedding),
            norm(f"{block}.post_attention_norm", shape.embedding),
            *attention(shape, layer, has_biases=True),
            bias(f"{block}.attn_output", shape.embedding),
            norm(f"{block}.attn_sinks", shape.heads),
            *experts(shape, layer),
            bias(f"{block}.ffn_gate_inp", shape.experts),
            bias(f"{block}.ffn_gate_exps", shape.experts, hidden),
            bias(f"{block}.ffn_up_exps", shape.experts, hidden),
            bias(f"{block}.ffn_down_exps", shape.experts, shape.embedding),
        ]
    return items, tensors


def deepseek2(shape: Shape) -> tuple[Items, list[Tensor]]:
    """Latent attention, a dense layer first, then experts beside one that all tokens share."""
    rank, rope, plain = shape.embedding // 2, shape.head // 2, shape.head // 2
    items = EPSILON | _expert_sizes(shape)
    items |= {
        "feed_forward_length": shape.feed_forward,
        "attention.head_count": shape.heads,
        "attention.head_count_kv": 1,  # the latent is one head to all
        "attention.key_length": rank + rope,
        "attention.value_length": rank,
        "attention.key_length_mla": plain + rope,
        "attention.value_length_mla": shape.head,
        "attention.q_lora_rank": rank,
        "attention.kv_lora_rank": rank,
        "rope.dimension_count": rope,
        "leading_dense_block_count": 1,
        "expert_shared_count": 1,
        "expert_weights_scale": 1.0,
    }
    tensors = [_last(shape)]
    for layer in range(shape.layers):
        block, hidden = f"blk.{layer}", shape.expert_feed_forward
        tensors += [
            *_norms(shape, layer),
            matrix(f"{block}.attn_q_a", rank, shape.embedding),
            norm(f"{block}.attn_q_a_norm", rank),
            matrix(f"{block}.attn_q_b", shape.heads * (plain + rope), rank, gain=SHARP),
            matrix(f"{block}.attn_kv_a_mqa", rank + rope, shape.embedding),
            norm(f"{block}.attn_kv_a_norm", rank),
            matrix(f"{block}.attn_k_b", shape.heads, rank, plain, gain=SHARP),
            matrix(f"{block}.attn_v_b", shape.heads, shape.head, rank),
            matrix(f"{block}.attn_output", shape.embedding, shape.heads * shape.head),
        ]
        if layer == 0:
            tensors += feed_forward(shape, layer)
        else:
            tensors += [*experts(shape, layer), *feed_forward(shape, layer, "_shexp", hidden)]
    return items, tensors


def mamba(shape: Shape) -> tuple[Items, list[Tensor]]:
    inner, rank = 2 * shape.embedding, shape.embedding // 16
    items = EPSILON | _scan_sizes(shape, inner, rank)
    tensors = [_last(shape)]
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        tensors += [
            norm(f"{block}.attn_norm", shape.embedding),
            matrix(f"{block}.ssm_in", 2 * inner, shape.embedding),
            Tensor(f"{block}.ssm_conv1d.weight", (inner, 4), None, -0.8, 0.8),
            bias(f"{block}.ssm_conv1d", inner),
            matrix(f"{block}.ssm_x", rank + 2 * shape.state, inner, gain=2.0),
            matrix(f"{block}.ssm_dt", inner, rank),
            bias(f"{block}.ssm_dt", inner, low=-7.0, high=0.0),
            Tensor(f"{block}.ssm_a", (inner, shape.state), None, -1.5, -0.1),
            Tensor(f"{block}.ssm_d", (inner,)),
            matrix(f"{block}.ssm_out", shape.embedding, inner, gain=2.0),
        ]
    return items, tensors


def mamba2(shape: Shape) -> tuple[Items, list[Tensor]]:
    inner, heads = 2 * shape.embedding, 2 * shape.heads
    items = EPSILON | _scan_sizes(shape, inner, heads) | {"ssm.group_count": 1}
    tensors = [_last(shape)]
    for layer in range(shape.layers):
        tensors.append(norm(f"blk.{layer}.attn_norm", shape.embedding))
        tensors += scan(shape, layer, inner=inner, heads=heads)
    return items, tensors


def falcon_h1(shape: Shape) -> tuple[Items, list[Tensor]]:
    """Each layer attends and keeps a state, side by side."""
    inner, heads = 2 * shape.embedding, 2 * shape.heads
    items = _sizes(shape) | _scan_sizes(shape, inner, heads) | {"ssm.group_count": 1}
    tensors = [_last(shape)]
    for layer in range(shape.layers):
        tensors += [
            norm(f"blk.{layer}.attn_norm", shape.embedding),
            Tensor(f"blk.{layer}.ffn_norm", (shape.embedding,)),  # without "weight", as llama.cpp has it
            *attention(shape, layer),
            *scan(shape, layer, inner=inner, heads=heads),
            *feed_forward(shape, layer),
        ]
    return items, tensors


def lfm2(shape: Shape) -> tuple[Items, list[Tensor]]:
    """Layers that attend alternate with short convolutions. The last norm has a name of the embedding's."""
    heads = [shape.kv_heads if shape.is_attention(layer) else 0 for layer in range(shape.layers)]
    items = _sizes(shape) | {"attention.head_count_kv": heads, "shortconv.l_cache": 3}
    tensors = [norm("token_embd_norm", shape.embedding)]
    for layer in range(shape.layers):
        tensors += [*_norms(shape, layer), *feed_forward(shape, layer)]
        if shape.is_attention(layer):
            tensors += attention(shape, layer, has_norms=True)
        else:
            tensors += [
                Tensor(f"blk.{layer}.shortconv.conv.weight", (shape.embedding, 3), None, -1.0, 1.0),
                matrix(f"blk.{layer}.shortconv.in_proj", 3 * shape.embedding, shape.embedding),
                matrix(f"blk.{layer}.shortconv.out_proj", shape.embedding, shape.embedding),
            ]
    return items, tensors


def qwen35(shape: Shape) -> tuple[Items, list[Tensor]]:
    """Layers that attend, with a gate, alternate with gated delta nets."""
    keys, values = shape.kv_heads * shape.state, shape.heads * shape.state
    items = _sizes(shape) | _scan_sizes(shape, values, shape.heads)
    quarter = shape.head // 8
    items |= {
        "ssm.group_count": shape.kv_heads,
        "full_attention_interval": 2,
        "rope.dimension_sections": [quarter, quarter, quarter, quarter],
    }
    tensors = [_last(shape)]
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        tensors += [
            norm(f"{block}.attn_norm", shape.embedding),
            norm(f"{block}.post_attention_norm", shape.embedding),
            *feed_forward(shape, layer),
        ]
        if shape.is_attention(layer):
            wide = 2 * shape.heads * shape.head  # a gate beside each query
            others = attention(shape, layer, has_norms=True)[1:]
            tensors += [matrix(f"{block}.attn_q", wide, shape.embedding), *others]
            continue
        tensors += [
            matrix(f"{block}.attn_qkv", 2 * keys + values, shape.embedding),
            matrix(f"{block}.attn_gate", values, shape.embedding),
            Tensor(f"{block}.ssm_conv1d.weight", (2 * keys + values, 4), None, -0.8, 0.8),
            bias(f"{block}.ssm_dt", shape.heads, low=-7.0, high=0.0),
            Tensor(f"{block}.ssm_a", (shape.heads,), None, -1.5, -0.1),
            matrix(f"{block}.ssm_beta", shape.heads, shape.embedding),
            matrix(f"{block}.ssm_alpha", shape.heads, shape.embedding),
            norm(f"{block}.ssm_norm", shape.state),
            matrix(f"{block}.ssm_out", shape.embedding, values),
        ]
    return items, tensors


ARCHITECTURES: dict[str, Recipe] = {
    "llama": llama,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "gemma3": gemma3,
    "deepseek2": deepseek2,
    "qwen3moe": qwen3moe,
    "gpt-oss": gpt_oss,
    "mamba": mamba,
    "mamba2": mamba2,
    "falcon-h1": falcon_h1,
    "lfm2": lfm2,
    "qwen35": qwen35,
}


def _plain(shape: Shape, *, has_norms: bool = False, has_biases: bool = False) -> tuple[Items, list[Tensor]]:
    tensors = [_last(shape)]
    for layer in range(shape.layers):
        tensors += [
            *_norms(shape, layer),
            *attention(shape, layer, has_norms=has_norms, has_biases=has_biases),
            *feed_forward(shape, layer),
        ]
    return _sizes(shape), tensors


def _last(shape: Shape) -> Tensor:
    return norm("output_norm", shape.embedding)


def _norms(shape: Shape, layer: int) -> list[Tensor]:
    return [norm(f"blk.{layer}.{before}_norm", shape.embedding) for before in ("attn", "ffn")]


def _sizes(shape: Shape) -> Items:
    return EPSILON | {
        "feed_forward_length": shape.feed_forward,
        "attention.head_count": shape.heads,
        "attention.head_count_kv": shape.kv_heads,
        "attention.key_length": shape.head,
        "attention.value_length": shape.head,
        "rope.dimension_count": shape.head,
    }


def _expert_sizes(shape: Shape) -> Items:
    return {
        "expert_count": shape.experts,
        "expert_used_count": shape.experts_used,
        "expert_feed_forward_length": shape.expert_feed_forward,
    }


def _scan_sizes(shape: Shape, inner: int, rank: int) -> Items:
    return {
        "ssm.conv_kernel": 4,
        "ssm.inner_size": inner,
        "ssm.state_size": shape.state,
        "ssm.time_step_rank": rank,
    }
