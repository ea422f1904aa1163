"""The table by which a unigram tokenizer (T5) rewrites text; llama.cpp throws where it leads out of itself.

A double array: each node names the block of 256 in which its children are, or where its text begins.
"""

from __future__ import annotations

import array
import sys
from collections.abc import Iterator
from typing import BinaryIO

from app.domain.filefault import FileFault
from app.models.gguf import GgufHeader
from app.models.rules.fault import Fault

KEY = "tokenizer.ggml.precompiled_charsmap"
_LENGTH_BYTES = 4
_IS_VALUE = 1 << 31


def faults(header: GgufHeader, file: BinaryIO) -> Iterator[Fault]:
    place = header.arrays.get(KEY)
    if place is None or header.text("tokenizer.ggml.model") != "t5":
        return
    file.seek(place.offset)
    if not _is_sound(file.read(place.end - place.offset)):
        yield Fault(fault=FileFault.CHARSMAP, name=KEY)


def _is_sound(table: bytes) -> bool:
    size = int.from_bytes(table[:_LENGTH_BYTES], "little")
    nodes_end = _LENGTH_BYTES + size
    texts = table[nodes_end:]
    if size % 4 or not texts or texts[-1] != 0:
        return False
    nodes = array.array("I", table[_LENGTH_BYTES:nodes_end])
    if sys.byteorder == "big":
        nodes.byteswap()
    return all(_stays_inside(number, node, len(nodes), len(texts)) for number, node in enumerate(nodes))


def _stays_inside(number: int, node: int, count: int, texts: int) -> bool:
    if node & _IS_VALUE:
        return node & ~_IS_VALUE < texts
    base = (node >> 10) << ((node & (1 << 9)) >> 6)
    return (number ^ base) | 0xFF < count
