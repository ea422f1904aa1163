"""Small GGUF files for tests: a real header, written byte by byte, over random weights."""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping

from app.models.gguf import ARRAY, MAGIC, SCALARS, STRING

ALIGNMENT = 32
FLOAT32, UINT16, UINT32 = 6, 2, 4
SHARD_KINDS = {"split.no": UINT16, "split.count": UINT16}

Item = str | int | list[str] | list[int]


def gguf_bytes(
    weight_bytes: int = 4096,
    *,
    seed: int = 0,
    architecture: str = "llama",
    more: Mapping[str, Item] | None = None,
) -> bytes:
    """Returns a valid GGUF with one F32 tensor of about `weight_bytes` random bytes."""
    metadata: dict[str, Item] = {
        "general.architecture": architecture,
        "general.name": f"Tiny {seed}",
        "general.file_type": 15,
        f"{architecture}.block_count": 2,
        f"{architecture}.context_length": 2048,
        f"{architecture}.embedding_length": 64,
        f"{architecture}.attention.head_count": 4,
        f"{architecture}.attention.head_count_kv": 2,
        "tokenizer.chat_template": "{{ messages }}",
        **(more or {}),
    }
    elements = max(weight_bytes // 4, 1)
    header = bytearray(MAGIC + struct.pack("<IQQ", 3, 1, len(metadata)))
    for key, item in metadata.items():
        header += text(key) + value(item, SHARD_KINDS.get(key, UINT32))
    shard = metadata.get("split.no", 0)
    name = f"blk.{shard}.ffn_up.weight" if shard else "token_embd.weight"
    header += text(name) + struct.pack("<IQIQ", 1, elements, 0, 0)
    header += bytes(-len(header) % ALIGNMENT)
    return bytes(header) + random.Random(seed).randbytes(elements * 4)


def text(content: str) -> bytes:
    encoded = content.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def value(item: Item, kind: int = UINT32) -> bytes:
    """Returns a value with its type in front; `kind` is a single number's."""
    if isinstance(item, str):
        return struct.pack("<I", STRING) + text(item)
    if isinstance(item, int):
        return struct.pack("<I", kind) + struct.pack(SCALARS[kind], item)
    kind = STRING if item and isinstance(item[0], str) else UINT32
    body = b"".join(text(part) if isinstance(part, str) else struct.pack("<I", part) for part in item)
    return struct.pack("<IIQ", ARRAY, kind, len(item)) + body
