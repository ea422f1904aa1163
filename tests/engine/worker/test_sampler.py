from __future__ import annotations

import ctypes
from collections import Counter

import pytest

from app.domain.generation import Sampling
from app.engine.worker.sampler import Sampler
from tests.engine.worker.workbench import Workbench

pytestmark = pytest.mark.llama


@pytest.fixture(scope="module")
def bench(library, smol):
    """Stands after "Once upon a": what follows is likely, not certain."""
    bench = Workbench(library, smol)
    bench.evaluate(smol.vocabulary.tokenize("Once upon a", parse_special=False))
    yield bench
    bench.close()


def drawn(library, bench, count: int = 40, **fields: object) -> list[int]:
    sampler = Sampler(library.api, Sampling(**fields))
    tokens = [sampler.sample(bench.context.pointer) for _ in range(count)]
    sampler.close()
    return tokens


def ranked(bench) -> list[int]:
    data = bench.context.logits()
    logits = (ctypes.c_float * (len(data) // 4)).from_buffer_copy(data)
    return sorted(range(len(logits)), key=lambda token: -logits[token])


def test_temperature_zero_takes_the_likeliest(library, bench):
    assert set(drawn(library, bench, temperature=0)) == {ranked(bench)[0]}
    assert bench.desk.model.vocabulary.piece(ranked(bench)[0]) == b" time"


def test_the_same_seed_draws_the_same(library, bench):
    hot = {"temperature": 3.0, "top_p": 1.0, "min_p": 0.0}
    assert drawn(library, bench, seed=7, **hot) == drawn(library, bench, seed=7, **hot)
    assert drawn(library, bench, seed=7, **hot) != drawn(library, bench, seed=8, **hot)
    assert drawn(library, bench, **hot) != drawn(library, bench, **hot)


def test_any_integer_is_a_seed(library, bench):
    for seed in (0, -1, 2**32 - 1, 2**70):
        assert drawn(library, bench, 5, seed=seed) == drawn(library, bench, 5, seed=seed)


@pytest.mark.parametrize("top_k", [1, 3])
def test_top_k_leaves_so_many(library, bench, top_k):
    hot = {"temperature": 9.0, "top_p": 1.0, "min_p": 0.0, "seed": 1}
    assert set(drawn(library, bench, 200, top_k=top_k, **hot)) == set(ranked(bench)[:top_k])


def test_top_p_leaves_the_likeliest_when_they_are_likely_enough(library, bench):
    assert set(drawn(library, bench, temperature=9.0, top_k=0, top_p=0.01, min_p=0.0)) == {ranked(bench)[0]}


def test_min_p_drops_what_is_much_less_likely(library, bench):
    assert set(drawn(library, bench, temperature=9.0, top_k=0, top_p=1.0, min_p=0.999)) == {ranked(bench)[0]}


def test_heat_makes_more_things_possible(library, bench):
    wide = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "seed": 3}
    cool = Counter(drawn(library, bench, 100, temperature=0.3, **wide))
    hot = Counter(drawn(library, bench, 100, temperature=5.0, **wide))
    assert len(cool) < len(hot)
