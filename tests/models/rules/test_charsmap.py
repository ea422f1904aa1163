"""A table that leads out of itself: llama.cpp throws in the middle of a prompt."""

from __future__ import annotations

import struct

import pytest

from tests.models.rules.drafts import refused

UINT8, STRING = 0, 8
VALUE = 1 << 31


def table(*nodes: int, texts: bytes = b"abc\0", size: int = 256) -> bytes:
    whole = (*nodes, *[0] * (size - len(nodes)))
    return struct.pack(f"<I{size}I", 4 * size, *whole) + texts


def with_table(data: bytes):
    def change(draft):
        draft.set("tokenizer.ggml.model", b"t5", STRING)
        draft.set("tokenizer.ggml.precompiled_charsmap", list(data), UINT8, is_array=True)

    return change


@pytest.mark.parametrize("data", [table(), table(1 << 10, VALUE | 3), table(1 << 10, VALUE, size=512)])
def test_a_table_that_stays_inside(tmp_path, data):
    assert refused(tmp_path, with_table(data)) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0",
        table()[:-4],  # no texts
        table(texts=b"abc"),  # without an end
        table(VALUE | 4),  # a text behind the texts
        table(256 << 10),  # a node behind the nodes
        table(1 << 10 | 1 << 9, size=256 + 44),
        struct.pack("<I", 10) + bytes(20),
        struct.pack("<I", 4000) + bytes(20),
    ],
)
def test_a_table_that_leads_out(tmp_path, data):
    fault = refused(tmp_path, with_table(data))
    assert fault == ("charsmap", "tokenizer.ggml.precompiled_charsmap")
