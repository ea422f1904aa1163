"""How attention is divided into heads: what an architecture asserts when it builds its graph."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.filefault import FileFault
from app.models.gguf import GgufHeader
from app.models.rules.architectures import (
    HAVE_SECTIONS,
    HEADLESS,
    MIXED,
    PLAIN_PROJECTIONS,
    ROTATES_ALL,
    SAME_LENGTHS,
)
from app.models.rules.facts import full, key_length, per_layer, said, value_length, whole
from app.models.rules.fault import Fault

MAX_WINDOW_TOKENS = 2**24


def heads(header: GgufHeader) -> Iterator[Fault]:
    """Whether there are any, and as many for queries as the ones for keys are shared among."""
    if header.architecture in HEADLESS:
        return
    queries = per_layer(header, "attention.head_count")
    shared = per_layer(header, "attention.head_count_kv") or queries
    needs = header.architecture in SAME_LENGTHS | ROTATES_ALL | PLAIN_PROJECTIONS
    has_none = any(count <= 0 for count in queries) or (needs and not queries)
    if header.architecture not in MIXED and has_none:
        yield _fault(header, "attention.head_count", 0, "1-")
        return
    for many, few in zip(queries, shared, strict=False):
        if few and many % few:
            yield _fault(header, "attention.head_count_kv", few, f"{many} / n")
            return


def lengths(header: GgufHeader) -> Iterator[Fault]:
    """How long the part of a head is that is compared, read and rotated."""
    queries = per_layer(header, "attention.head_count")
    if header.architecture in HEADLESS or not any(queries):
        return
    keys, values = key_length(header), value_length(header)
    rotated = whole(header, "rope.dimension_count", keys)
    if said(header, "attention.key_length") is None and whole(header, "embedding_length") % (queries[0] or 1):
        yield _fault(header, "attention.head_count", queries[0], f"{whole(header, 'embedding_length')} / n")
    elif header.architecture in SAME_LENGTHS and keys != values:
        yield _fault(header, "attention.value_length", values, str(keys))
    elif header.architecture in ROTATES_ALL and rotated != keys:
        yield _fault(header, "rope.dimension_count", rotated, str(keys))
    elif rotated > keys or rotated % 2:
        yield _fault(header, "rope.dimension_count", rotated, f"0-{keys}")
    else:
        yield from _window_lengths(header, keys, rotated)


def _window_lengths(header: GgufHeader, keys: int, rotated: int) -> Iterator[Fault]:
    """The same of layers with a sliding window, where these are made otherwise."""
    keys = whole(header, "attention.key_length_swa", keys)
    rotated = whole(header, "rope.dimension_count_swa", rotated)
    if rotated > keys or rotated % 2:
        yield _fault(header, "rope.dimension_count_swa", rotated, f"0-{keys}")


def compressed(header: GgufHeader) -> Iterator[Fault]:
    """Latent attention: something of a key has to be left beside what is rotated, and one head is stored."""
    keys = whole(header, "attention.key_length_mla")
    if not keys:
        if not header.architecture.startswith("deepseek2"):
            return
        keys = key_length(header)
    rotated = whole(header, "rope.dimension_count", key_length(header))
    if rotated >= keys:
        yield _fault(header, "rope.dimension_count", rotated, f"0-{keys - 1}")
    if whole(header, "attention.key_length_mla"):
        yield from _latent(header, rotated)


def _latent(header: GgufHeader, rotated: int) -> Iterator[Fault]:
    """What is stored of a token: the latent values, and in front of them, as the key, what is rotated."""
    rank = whole(header, "attention.kv_lora_rank")
    shared = per_layer(header, "attention.head_count_kv") or per_layer(header, "attention.head_count")
    if header.architecture.startswith("deepseek") and min(shared, default=1) < 1:  # it has no other layers
        yield _fault(header, "attention.head_count_kv", min(shared), "1")
    elif max(shared, default=1) > 1:
        yield _fault(header, "attention.head_count_kv", max(shared), "0-1")
    elif key_length(header) != rank + rotated:
        yield _fault(header, "attention.key_length", key_length(header), str(rank + rotated))
    elif value_length(header) != rank:
        yield _fault(header, "attention.value_length", value_length(header), str(rank))


def sections(header: GgufHeader) -> Iterator[Fault]:
    """Directions of a position share what is rotated; llama.cpp also divides by their sum."""
    shares = said(header, "rope.dimension_sections")
    if not isinstance(shares, tuple):
        return
    numbers = [share for share in shares if isinstance(share, int)]
    total, keys = sum(numbers), key_length(header)
    is_nothing = total == 0 and header.architecture in HAVE_SECTIONS
    if is_nothing or total > keys or min(numbers, default=0) < 0:
        yield _fault(header, "rope.dimension_sections", total, f"1-{keys}")


def windows(header: GgufHeader) -> Iterator[Fault]:
    """A sliding window that no layer has, or one so long that its sums overflow."""
    tokens = whole(header, "attention.sliding_window")
    if not tokens:
        return
    if tokens > MAX_WINDOW_TOKENS:
        yield _fault(header, "attention.sliding_window", tokens, f"0-{MAX_WINDOW_TOKENS}")
    pattern = said(header, "attention.sliding_window_pattern")
    place = header.arrays.get(full(header, "attention.sliding_window_pattern"))
    if pattern == 1 or (place is not None and not (isinstance(pattern, tuple) and any(pattern))):
        yield _fault(header, "attention.sliding_window_pattern", 1, "2-")


def _fault(header: GgufHeader, key: str, found: int, allowed: str) -> Fault:
    return Fault(fault=FileFault.HEADS, name=full(header, key), found=str(found), allowed=allowed)
