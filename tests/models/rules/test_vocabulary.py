"""Vocabularies that ended an engine child, at its load or at the first prompt."""

from __future__ import annotations

import pytest

from tests.models.rules.drafts import number, refused

FLOAT32, STRING = 6, 8
TEXT_BYTES = (*range(0xC0), *range(0xC2, 0xF5))


def tokens(draft) -> list[bytes]:
    return draft.item("tokenizer.ggml.tokens").value


def token(index: int, text: bytes):
    return lambda draft: tokens(draft).__setitem__(index, text)


def spelled_bytes(draft, model: bytes) -> None:
    draft.set("tokenizer.ggml.model", model, STRING)
    for byte in range(256):
        tokens(draft)[byte] = b"<0x%02X>" % byte if model != b"rwkv" else b"\\x%02x" % byte


def test_two_tokens_of_one_spelling(tmp_path):
    assert refused(tmp_path, token(7, b"the")) is None

    def change(draft):
        tokens(draft)[7] = tokens(draft)[300]

    fault = refused(tmp_path, change)
    assert fault is not None
    assert fault[0] == "token-twice"
    assert fault[1].endswith(" = 300")


def test_for_llama_a_token_ends_at_a_zero(tmp_path):
    def change(draft):
        tokens(draft)[7] = tokens(draft)[300] + b"\0more"

    assert (refused(tmp_path, change) or ("",))[0] == "token-twice"


def test_an_empty_token_gets_a_name_that_no_other_may_have(tmp_path):
    def change(draft):
        tokens(draft)[7] = b""
        tokens(draft)[9] = b"[EMPTY_7]"

    assert refused(tmp_path, token(7, b"")) is None
    assert refused(tmp_path, change) == ("token-twice", "[EMPTY_7] = 9")


@pytest.mark.parametrize("key", ["token_type", "scores"])
def test_a_list_is_as_long_as_the_vocabulary(tmp_path, key):
    kind = 5 if key == "token_type" else FLOAT32
    change = number(f"tokenizer.ggml.{key}", [1] * 511, kind, is_array=True)
    assert refused(tmp_path, change) == ("tokens", f"tokenizer.ggml.{key} = 511 (512)")


@pytest.mark.parametrize("name", [b"none", b"no_vocab", b"test", b"none\0"])
def test_what_cannot_read_text_cannot_chat(tmp_path, name):
    fault = refused(tmp_path, number("tokenizer.ggml.model", name, STRING))
    assert fault is not None
    assert fault[0] == "tokenizer"


@pytest.mark.parametrize(
    ("model", "byte"), [(b"llama", b"<0x41>"), (b"rwkv", b"\\x41"), (b"plamo2", b"<0x41>")]
)
def test_every_byte_of_a_text_can_be_spelled(tmp_path, model, byte):
    def whole(draft):
        spelled_bytes(draft, model)

    def one_less(draft):
        spelled_bytes(draft, model)
        tokens(draft)[0x41] = b"other"
        tokens(draft)[tokens(draft).index(b"A")] = b"another" if b"A" in tokens(draft) else b"x"

    assert refused(tmp_path, whole) is None
    fault = refused(tmp_path, lambda draft: (spelled_bytes(draft, model), lost(draft, 0x41)))
    assert fault == ("token-missing", "<0x41>")


def lost(draft, byte: int) -> None:
    """Neither the byte itself nor the letter is a token any more."""
    for index, text in enumerate(tokens(draft)):
        if text in (b"<0x%02X>" % byte, b"\\x%02x" % byte, bytes([byte])):
            tokens(draft)[index] = b"lost %d" % index


@pytest.mark.parametrize("name", [b"whitespace", b"hybriddna"])
def test_what_cannot_be_spelled_needs_a_token(tmp_path, name):
    def with_one(draft):
        draft.set("tokenizer.ggml.model", name, STRING)
        draft.set("tokenizer.ggml.unknown_token_id", 3)

    without = number("tokenizer.ggml.model", name, STRING)
    assert refused(tmp_path, without) == ("token-missing", "tokenizer.ggml.unknown_token_id")
    assert refused(tmp_path, with_one) is None


def test_a_default_outside_of_the_vocabulary_is_none(tmp_path):
    def small(draft):
        draft.set("tokenizer.ggml.model", b"bert", STRING)
        draft.item("tokenizer.ggml.tokens").value = tokens(draft)[:90]
        draft.set("tokenizer.ggml.unknown_token_id", 4096)

    assert refused(tmp_path, small) == ("token-missing", "tokenizer.ggml.unknown_token_id")


def test_a_token_that_is_said_to_be_a_byte_looks_like_one(tmp_path):
    def change(draft):
        draft.item("tokenizer.ggml.token_type").value[300] = 6

    fault = refused(tmp_path, change)
    assert fault is not None
    assert fault[0] == "tokens"
