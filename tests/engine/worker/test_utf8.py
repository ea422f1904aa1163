from __future__ import annotations

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
