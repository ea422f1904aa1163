"""Tensors of a tiny model and the parts that several architectures share.

Shapes are numpy's (rows first), so the reverse of llama.cpp's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy

from tests.fakes.tiny_models.shape import Shape

# Queries and keys are so large that attention picks some tokens out instead of averaging over all.
SHARP = 1.8


@dataclass(frozen=True)
class Tensor:
    """A matrix (or a stack of them) is drawn so that its product is `gain` times as large as what goes in,
    and may be quantized. Everything else lies evenly between `low` and `high`, in F32."""

    name: str
    shape: tuple[int, ...]
    gain: float | None = None
    low: float = 0.9
    high: float = 1.1

    @property
    def is_matrix(self) -> bool:
        return self.gain is not None

    def values(self, draw: numpy.random.Generator) -> numpy.ndarray:
        if self.gain is None:
            return draw.uniform(self.low, self.high, self.shape).astype(numpy.float32)
        scale = self.gain / self.shape[-1] ** 0.5
        return draw.standard_normal(self.shape, dtype=numpy.float32) * numpy.float32(scale)


def matrix(name: str, *shape: int, gain: float = 1.0) -> Tensor:
    return Tensor(f"{name}.weight", shape, gain)


def norm(name: str, *shape: int, around: float = 1.0) -> Tensor:
    return Tensor(f"{name}.weight", shape, None, 0.9 * around, 1.1 * around)


def bias(name: str, *shape: int, low: float = -0.1, high: float = 0.1) -> Tensor:
    return Tensor(f"{name}.bias", shape, None, low, high)


def attention(shape: Shape, layer: int, *, has_norms: bool = False, has_biases: bool = False) -> list[Tensor]:
    """Returns what attends, without the norm before it."""
    block = f"blk.{layer}"
    wide, narrow = shape.heads * shape.head, shape.kv_heads * shape.head
    gain = 1.0 if has_norms else SHARP
    tensors = [
        matrix(f"{block}.attn_q", wide, shape.embedding, gain=gain),
        matrix(f"{block}.attn_k", narrow, shape.embedding, gain=gain),
        matrix(f"{block}.attn_v", narrow, shape.embedding),
        matrix(f"{block}.attn_output", shape.embedding, wide),
    ]
    if has_norms:
        tensors += [norm(f"{block}.attn_{side}_norm", shape.head, around=SHARP) for side in "qk"]
    if has_biases:
        tensors += [bias(f"{block}.attn_{side}", size) for side, size in (("q", wide), ("k", narrow))]
        tensors.append(bias(f"{block}.attn_v", narrow))
    return tensors


def feed_forward(shape: Shape, layer: int, kind: str = "", size: int = 0) -> list[Tensor]:
    """Returns gate, up and down; `kind` tells a shared expert from the rest."""
    block, size = f"blk.{layer}", size or shape.feed_forward
    return [
        matrix(f"{block}.ffn_gate{kind}", size, shape.embedding, gain=1.5),
        matrix(f"{block}.ffn_up{kind}", size, shape.embedding, gain=1.5),
        matrix(f"{block}.ffn_down{kind}", shape.embedding, size),
    ]


def experts(shape: Shape, layer: int) -> list[Tensor]:
    """Returns the router and its experts."""
    block, size = f"blk.{layer}", shape.expert_feed_forward
    return [
        matrix(f"{block}.ffn_gate_inp", shape.experts, shape.embedding),
        matrix(f"{block}.ffn_gate_exps", shape.experts, size, shape.embedding, gain=1.5),
        matrix(f"{block}.ffn_up_exps", shape.experts, size, shape.embedding, gain=1.5),
        matrix(f"{block}.ffn_down_exps", shape.experts, shape.embedding, size, gain=1.5),
    ]


def scan(shape: Shape, layer: int, *, inner: int, heads: int) -> list[Tensor]:
    """Returns a Mamba-2 mixer: a state that each token moves a little, and a short convolution before it."""
    block, convolved = f"blk.{layer}", inner + 2 * shape.state
    return [
        matrix(f"{block}.ssm_in", inner + convolved + heads, shape.embedding),
        Tensor(f"{block}.ssm_conv1d.weight", (convolved, 4), None, -0.8, 0.8),
        bias(f"{block}.ssm_conv1d", convolved),
        bias(f"{block}.ssm_dt", heads, low=-7.0, high=0.0),
        Tensor(f"{block}.ssm_a", (heads, 1), None, -1.5, -0.1),
        Tensor(f"{block}.ssm_d", (heads, 1)),
        norm(f"{block}.ssm_norm", 1, inner),
        matrix(f"{block}.ssm_out", shape.embedding, inner),
    ]
