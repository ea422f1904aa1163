"""The matrices around attention: as wide as the heads that are cut from them.

llama.cpp creates some of them by the embedding's width alone and reshapes them by heads later, asserting.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.filefault import FileFault
from app.models.gguf import GgufHeader, TensorInfo
from app.models.rules.architectures import DELTA_NETS, PLAIN_PROJECTIONS
from app.models.rules.facts import full, key_length, per_layer, said, value_length, whole
from app.models.rules.fault import Fault


def uniform(header: GgufHeader) -> Iterator[Fault]:
    """Graphs ask the first layer for the heads of all."""
    if header.architecture not in PLAIN_PROJECTIONS | DELTA_NETS:
        return
    for key in ("attention.head_count", "attention.head_count_kv"):
        different = {count for count in per_layer(header, key) if count}
        if len(different) > 1:
            yield _heads(full(header, key), max(different), min(different))


def widths(header: GgufHeader) -> Iterator[Fault]:
    if header.architecture not in PLAIN_PROJECTIONS:
        return
    tensors = {tensor.name: tensor for tensor in header.tensors}
    queries = per_layer(header, "attention.head_count")
    shared = per_layer(header, "attention.head_count_kv") or queries
    keys, values = key_length(header), value_length(header)
    for layer, (many, few) in enumerate(zip(queries, shared, strict=False)):
        if not few:
            continue
        expected = {
            "attn_q": (1, many * keys),
            "attn_k": (1, few * keys),
            "attn_v": (1, few * values),
            "attn_qkv": (1, (many + few) * keys + few * values),
            "attn_output": (0, many * values),
        }
        for name, (side, width) in expected.items():
            yield from _checked(tensors.get(f"blk.{layer}.{name}.weight"), side, width)


def window_lengths(header: GgufHeader) -> Iterator[Fault]:
    """Only where an architecture makes its windowed layers otherwise may it say so."""
    if header.architecture not in PLAIN_PROJECTIONS:
        return
    lengths = {"key_length": key_length(header), "value_length": value_length(header)}
    for key, length in lengths.items():
        name = f"attention.{key}_swa"
        if said(header, name) is not None and whole(header, name) != length:
            yield _heads(full(header, name), whole(header, name), length)


def _checked(tensor: TensorInfo | None, side: int, width: int) -> Iterator[Fault]:
    if tensor is not None and len(tensor.shape) > side and tensor.shape[side] != width:
        yield _heads(tensor.name, tensor.shape[side], width)


def _heads(name: str, found: int, allowed: int) -> Fault:
    return Fault(fault=FileFault.HEADS, name=name, found=str(found), allowed=str(allowed))
