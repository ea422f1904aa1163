from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.worker.utf8 import Utf8Decoder


def decoded(pieces: list[bytes]) -> str:
    decoder = Utf8Decoder()
    return "".join(decoder.feed(piece) for piece in pieces) + decoder.finish()


@given(st.text(), st.lists(st.integers(min_value=0)))
def test_text_survives_any_cut(text, cuts):
    data = text.encode()
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    assert decoded(pieces) == text


@given(st.lists(st.binary()))
def test_any_bytes_become_what_a_whole_decode_makes_of_them(pieces):
    assert decoded(pieces) == b"".join(pieces).decode("utf-8", "replace")


def test_a_character_is_shown_when_its_last_byte_is_there():
    decoder = Utf8Decoder()
    assert [decoder.feed(bytes([byte])) for byte in "é".encode()] == ["", "é"]


def test_a_cut_character_ends_as_a_replacement():
    assert decoded(["🦊".encode()[:3]]) == "\ufffd"


def test_nothing_waits_between_characters():
    decoder = Utf8Decoder()
    assert decoder.is_empty
    assert [decoder.feed(bytes([byte])) or decoder.is_empty for byte in "é".encode()] == [False, "é"]
    assert decoder.is_empty


@pytest.mark.slow
def test_fifty_thousand_ways_to_cut_characters():
    draw = random.Random(8)
    kinds = (range(0x20, 0x7F), range(0xA0, 0x800), range(0x800, 0xD800), range(0x1F300, 0x1FAFF))
    for _ in range(1000):
        data = "".join(chr(draw.choice(draw.choice(kinds))) for _ in range(16)).encode()
        if draw.random() < 0.3:  # something that no text is
            place = draw.randrange(len(data))
            data = data[:place] + draw.randbytes(2) + data[place + 1 :]
        whole = data.decode("utf-8", "replace")
        for _ in range(50):
            places = sorted(draw.choices(range(len(data) + 1), k=draw.randint(1, 6)))
            pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
            assert decoded(pieces) == whole
