"""Ours against llama.cpp's, which look at the whole vocabulary."""

from __future__ import annotations

import ctypes
import random

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.worker.penalties import Biases, Dry, Penalties
from tests.engine.worker.natively import applied, random_logits

SIZE = 50
said = st.lists(st.integers(0, SIZE - 1), max_size=60) | st.lists(st.integers(0, 3), max_size=60)


@pytest.fixture(scope="module")
def api(library):
    return library.api


@pytest.mark.llama
@settings(max_examples=80, deadline=None)
@given(
    tokens=said,
    repeat=st.sampled_from([1.0, 1.3, 0.5]),
    frequency=st.sampled_from([0.0, 0.7, -1.0]),
    presence=st.sampled_from([0.0, 1.5, -0.3]),
    last_n=st.sampled_from([-1, 1, 3, 64]),
    seed=st.integers(0, 99),
)
def test_penalties_are_llama_cpps(api, tokens, repeat, frequency, presence, last_n, seed):
    logits = random_logits(SIZE, seed)
    native = api.llama_sampler_init_penalties(
        SIZE, last_n if last_n >= 0 else 999, repeat, frequency, presence
    )
    expected = applied(api, native, logits, tokens)
    ours = Penalties(repeat, frequency, presence, last_n)
    for token in tokens:
        ours.accept(token)
    ours.apply(logits)
    assert numpy.allclose(logits, expected, rtol=1e-6)


def native_dry(api, vocabulary, tokens, logits, multiplier, base, allowed, last_n, breakers):
    spelled = (ctypes.c_char_p * len(breakers))(*(text.encode() for text in breakers))
    dry = api.llama_sampler_init_dry(
        vocabulary._pointer, multiplier, base, allowed, last_n, spelled, len(breakers)
    )
    return applied(api, dry, logits, tokens)


@pytest.mark.llama
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    base=st.sampled_from([1.0, 1.75]),
    allowed=st.sampled_from([1, 2, 4]),
    last_n=st.sampled_from([5, 20, 999]),
    breakers=st.sampled_from([(), ("\n",)]),
    split=st.integers(0, 80),
)
def test_dry_is_llama_cpps(api, smol, seed, base, allowed, last_n, breakers, split):
    vocabulary = smol.vocabulary
    rng = random.Random(seed)
    few = vocabulary.tokenize("the cat sat,\n on a", parse_special=False)[: rng.choice([2, 4, 9])]
    tokens = [rng.choice(few) for _ in range(80)]
    logits = random_logits(vocabulary.size, seed)
    expected = native_dry(api, vocabulary, tokens, logits, 0.8, base, allowed, last_n, breakers)
    ours = Dry(0.8, base, allowed, last_n, breakers, vocabulary.piece)
    ours.begin(tokens[:split])
    for token in tokens[split:]:
        ours.accept(token)
    ours.apply(logits)
    assert numpy.allclose(logits, expected, rtol=1e-5, atol=1e-4)


def pieces(token: int) -> bytes:
    return (b"a", b"b", b"H", b"um:", b"c")[token]


def penalised(dry: Dry) -> set[int]:
    row = numpy.zeros(5, numpy.float32)
    dry.apply(row)
    return set(numpy.flatnonzero(row).tolist())


def test_dry_does_not_look_over_a_breaker_of_several_tokens():
    dry = Dry(1.0, 1.5, 2, -1, ("Hum:",), pieces)
    dry.begin([0, 1, 4, 0, 1])
    assert penalised(dry) == {4}
    broken = Dry(1.0, 1.5, 2, -1, ("Hum:",), pieces)
    broken.begin([0, 2, 3, 1, 4, 0, 2, 3, 1])
    assert penalised(broken) == set()
    broken.accept(4)
    assert penalised(broken) == {0}


def test_dry_counts_from_the_breaker():
    dry = Dry(1.0, 2.0, 1, -1, ("c",), pieces)
    dry.begin([0, 4, 1, 0, 0, 4, 1])
    row = numpy.zeros(5, numpy.float32)
    dry.apply(row)
    assert row.tolist() == [-1, 0, 0, 0, 0]  # one token long, not three


def test_dry_never_punishes_a_breaker():
    dry = Dry(1.0, 1.5, 2, -1, ("c",), pieces)
    dry.begin([0, 1, 4, 0, 1])
    assert penalised(dry) == set()


def test_a_long_repetition_is_punished_with_a_number():
    dry = Dry(1000.0, 1000.0, 1, -1, (), pieces)
    dry.begin([0] * 500)
    row = numpy.zeros(5, numpy.float32)
    dry.apply(row)
    assert numpy.isfinite(row).all()
    assert row[0] < -1e30


def test_biases_add_and_forbid():
    row = numpy.array([1, 2, 3], numpy.float32)
    biases = Biases({0: -numpy.inf, 2: 1.5})
    biases.accept(1)
    biases.apply(row)
    assert row.tolist() == [-numpy.inf, 2, 4.5]


@given(tokens=said, last_n=st.sampled_from([1, 5, -1]))
def test_counts_are_those_of_the_window(tokens, last_n):
    ours = Penalties(1.0, 1.0, 0.0, last_n)
    for token in tokens:
        ours.accept(token)
    row = numpy.zeros(SIZE, numpy.float32)
    ours.apply(row)
    window = tokens[-last_n:] if last_n > 0 else tokens
    assert [-window.count(token) for token in range(SIZE)] == row.tolist()
