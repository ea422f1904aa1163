"""Models of published shapes, as the headers of GGUF files without their weights.

`published("r1-qwen-14b")` has the tensor table that llama.cpp's Q4_K_M of it would have: sizes are those of
the makers' `config.json` on the Hub (deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B, -7B, -14B, -32B,
deepseek-ai/DeepSeek-R1-Distill-Llama-8B, -70B, Qwen/Qwen3-30B-A3B; also recorded in each repository's
history), types those of `llama_tensor_get_type` for this recipe: Q6_K for the output and for half of the V
and down matrices, Q4_K for the rest, F32 for norms and biases. `hollow_bytes` has no vocabulary; llama.cpp
takes it in a dry run.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from app.models.ggml_types import TENSOR_TYPES
from app.models.gguf import MAGIC, GgufHeader, parse_header
from tests.fakes.gguf_file import ALIGNMENT, text, value

FLOAT32, UINT32, STRING = 6, 4, 8
_NUMBERS = {kind.name: number for number, kind in TENSOR_TYPES.items()}


@dataclass(frozen=True)
class Published:
    architecture: str
    layers: int
    embedding: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    trained: int = 131_072
    head: int = 128
    experts: int = 0
    experts_used: int = 0


SHAPES = {
    "r1-qwen-1.5b": Published("qwen2", 28, 1536, 12, 2, 8960, 151_936),
    "r1-qwen-7b": Published("qwen2", 28, 3584, 28, 4, 18_944, 152_064),
    "r1-qwen-14b": Published("qwen2", 48, 5120, 40, 8, 13_824, 152_064),
    "r1-qwen-32b": Published("qwen2", 64, 5120, 40, 8, 27_648, 152_064),
    "r1-llama-8b": Published("llama", 32, 4096, 32, 8, 14_336, 128_256),
    "r1-llama-70b": Published("llama", 80, 8192, 64, 8, 28_672, 128_256),
    "qwen3-30b-a3b": Published(
        "qwen3moe", 48, 2048, 32, 4, 768, 151_936, trained=40_960, experts=128, experts_used=8
    ),
}

Tensor = tuple[str, tuple[int, ...], str]


def published(name: str) -> GgufHeader:
    head, length = hollow_bytes(SHAPES[name])
    return parse_header(io.BytesIO(head), file_bytes=length)


def hollow_bytes(shape: Published) -> tuple[bytes, int]:
    """Returns the header and how long a file with its weights would be."""
    facts = _facts(shape)
    tensors = list(_tensors(shape))
    head = bytearray(MAGIC + struct.pack("<IQQ", 3, len(tensors), len(facts)))
    for key, item in facts.items():
        head += text(key) + (struct.pack("<If", FLOAT32, item) if isinstance(item, float) else value(item))
    offset = 0
    for name, sizes, kind in tensors:
        head += text(name) + struct.pack("<I", len(sizes)) + struct.pack(f"<{len(sizes)}Q", *sizes)
        head += struct.pack("<IQ", _NUMBERS[kind], offset)
        offset += -(-_size(sizes, kind) // ALIGNMENT) * ALIGNMENT
    head += bytes(-len(head) % ALIGNMENT)
    return bytes(head), len(head) + offset


def _facts(shape: Published) -> dict[str, str | int | float]:
    sizes: dict[str, str | int | float] = {
        "context_length": shape.trained,
        "embedding_length": shape.embedding,
        "block_count": shape.layers,
        "feed_forward_length": shape.feed_forward,
        "attention.head_count": shape.heads,
        "attention.head_count_kv": shape.kv_heads,
        "attention.key_length": shape.head,
        "attention.value_length": shape.head,
        "attention.layer_norm_rms_epsilon": 1e-6,
        "rope.dimension_count": shape.head,
        "vocab_size": shape.vocabulary,
    }
    if shape.experts:
        sizes |= {
            "expert_count": shape.experts,
            "expert_used_count": shape.experts_used,
            "expert_feed_forward_length": shape.feed_forward,
        }
    named = {f"{shape.architecture}.{key}": size for key, size in sizes.items()}
    ends: dict[str, str | int | float] = {"general.file_type": 15, "tokenizer.ggml.model": "no_vocab"}
    return {"general.architecture": shape.architecture, **ends, **named}


def _tensors(shape: Published) -> Iterator[Tensor]:
    wide = (shape.embedding, shape.vocabulary)
    yield "token_embd.weight", wide, "Q4_K"
    yield "output_norm.weight", (shape.embedding,), "F32"
    yield "output.weight", wide, "Q6_K"
    for layer in range(shape.layers):
        for name, sizes, kind in _block(shape, _has_more_bits(layer, shape.layers)):
            yield f"blk.{layer}.{name}", sizes, kind


def _block(shape: Published, has_more_bits: bool) -> Iterator[Tensor]:
    better = "Q6_K" if has_more_bits else "Q4_K"
    width, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    yield "attn_norm.weight", (shape.embedding,), "F32"
    yield "ffn_norm.weight", (shape.embedding,), "F32"
    yield "attn_q.weight", (shape.embedding, width), "Q4_K"
    yield "attn_k.weight", (shape.embedding, keys), "Q4_K"
    yield "attn_v.weight", (shape.embedding, keys), better
    yield "attn_output.weight", (width, shape.embedding), "Q4_K"
    if shape.architecture == "qwen2":
        for name, size in (("q", width), ("k", keys), ("v", keys)):
            yield f"attn_{name}.bias", (size,), "F32"
    if shape.architecture == "qwen3moe":
        yield "attn_q_norm.weight", (shape.head,), "F32"
        yield "attn_k_norm.weight", (shape.head,), "F32"
    many = (shape.experts,) if shape.experts else ()
    suffix = "_exps" if shape.experts else ""
    if shape.experts:
        yield "ffn_gate_inp.weight", (shape.embedding, shape.experts), "F32"
    for name in ("gate", "up"):
        yield f"ffn_{name}{suffix}.weight", (shape.embedding, shape.feed_forward, *many), "Q4_K"
    # Where rows do not divide into blocks of 256, llama.cpp takes the next larger type of 32.
    down = better if shape.feed_forward % 256 == 0 else {"Q6_K": "Q8_0", "Q4_K": "Q5_0"}[better]
    yield f"ffn_down{suffix}.weight", (shape.feed_forward, shape.embedding, *many), down


def _has_more_bits(layer: int, layers: int) -> bool:
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def _size(sizes: tuple[int, ...], kind: str) -> int:
    block = TENSOR_TYPES[_NUMBERS[kind]]
    elements = 1
    for size in sizes:
        elements *= size
    return elements // block.block * block.size
