"""What the rules ask of a header: its own architecture's numbers, as llama.cpp would read them."""

from __future__ import annotations

from app.models.gguf import GgufHeader, Metadata

MAX_LAYERS = 512


def said(header: GgufHeader, key: str) -> Metadata | None:
    """Returns a value of the file's own architecture: `block_count` is `llama.block_count`."""
    return header.metadata.get(full(header, key))


def full(header: GgufHeader, key: str) -> str:
    return f"{header.architecture}.{key}"


def whole(header: GgufHeader, key: str, default: int = 0) -> int:
    """Returns one number; `default` also for what is no whole number, which another rule is for."""
    found = said(header, key)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def per_layer(header: GgufHeader, key: str) -> tuple[int, ...]:
    """Returns a number for each layer, of a list or of one number for all; empty when nothing is said."""
    found = said(header, key)
    if isinstance(found, tuple):
        return tuple(int(number) for number in found if isinstance(number, int))
    layers = min(whole(header, "block_count"), MAX_LAYERS)
    return (int(found),) * layers if isinstance(found, int) else ()


def key_length(header: GgufHeader) -> int:
    return whole(header, "attention.key_length", _head_length(header))


def value_length(header: GgufHeader) -> int:
    return whole(header, "attention.value_length", _head_length(header))


def _head_length(header: GgufHeader) -> int:
    heads = per_layer(header, "attention.head_count")
    return whole(header, "embedding_length") // heads[0] if heads and heads[0] > 0 else 0
