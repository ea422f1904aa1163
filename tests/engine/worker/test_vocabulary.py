from __future__ import annotations

import ctypes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine.worker.vocabulary import Vocabulary

pytestmark = pytest.mark.llama
QUICK = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# SmolLM2 has no tokens for some bytes; Gemma has one for each.
@QUICK
@given(st.text(max_size=80))
def test_plain_text_survives_the_way_there_and_back(gemma, text):
    tokens = gemma.vocabulary.tokenize(text, parse_special=False)
    assert b"".join(gemma.vocabulary.piece(token) for token in tokens) == text.encode()
    assert not set(tokens) & gemma.vocabulary.control_ids


def test_control_tokens_are_known_by_spelling(smol):
    vocabulary = smol.vocabulary
    assert vocabulary.text(vocabulary.bos) == "<|im_start|>"
    assert vocabulary.control["<|im_end|>"] == vocabulary.eos
    assert vocabulary.tokenize("<|im_end|>", parse_special=True) == [vocabulary.eos]
    assert vocabulary.piece(vocabulary.eos) == b"<|im_end|>"
    assert vocabulary.text(-1) == ""


def test_where_answers_end(smol):
    vocabulary = smol.vocabulary
    for _ in range(2):
        assert vocabulary.is_end(vocabulary.eos)
        assert not vocabulary.is_end(vocabulary.tokenize("Paris", parse_special=False)[0])


def test_what_is_one_token(smol):
    assert smol.vocabulary.is_token("<|im_start|>")
    assert not smol.vocabulary.is_token("<think>")


def test_pieces_longer_than_the_buffer_are_whole(smol):
    vocabulary = smol.vocabulary
    vocabulary._buffer = ctypes.create_string_buffer(2)
    vocabulary._pieces.clear()
    longest = max(range(vocabulary.size), key=lambda token: len(vocabulary._spelling(token)))
    assert len(vocabulary.piece(longest)) > 2
    assert vocabulary.tokenize(vocabulary.piece(longest).decode(), parse_special=False) == [longest]


def test_a_vocabulary_says_whether_it_wants_a_beginning(smol, gemma):
    assert not smol.vocabulary.adds_bos
    assert gemma.vocabulary.adds_bos


class Growing:
    """An API whose tokenizer makes more tokens than there are bytes."""

    attributes = {0: 1 << 3 | 1 << 7, 1: 1 << 3 | 1 << 8, 2: 1 << 2, 3: 1 << 3}

    def __getattr__(self, name: str):
        return {
            "llama_model_get_vocab": lambda _model: 1,
            "llama_vocab_n_tokens": lambda _vocab: 4,
            "llama_vocab_bos": lambda _vocab: -1,
            "llama_vocab_eos": lambda _vocab: 3,
            "llama_vocab_get_add_bos": lambda _vocab: True,
            "llama_vocab_get_attr": lambda _vocab, token: self.attributes[token],
            "llama_vocab_get_text": lambda _vocab, token: [b"<l>", b"<r>", b"x", b""][token],
        }[name]

    def llama_vocab_get_suppress_tokens(self, _vocab, count):
        count._obj.value = 3
        return (ctypes.c_int32 * 3)(2, 99, -1)

    def llama_tokenize(self, _vocab, _data, _length, ids, room, _add_special, _parse_special):
        if room < 20:
            return -20
        for index in range(20):
            ids[index] = 2
        return 20


def test_a_text_may_become_more_tokens_than_bytes():
    assert Vocabulary(Growing(), 1).tokenize("x", parse_special=False) == [2] * 20


def test_tokens_that_swallow_white_space_are_known():
    vocabulary = Vocabulary(Growing(), 1)
    assert (vocabulary.lstrip, vocabulary.rstrip) == ({0}, {1})
    assert vocabulary.control == {"<l>": 0, "<r>": 1}
    assert not vocabulary.adds_bos


def test_suppressed_tokens_are_those_there_are():
    assert Vocabulary(Growing(), 1).suppressed == (2,)
