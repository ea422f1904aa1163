from __future__ import annotations

import numpy
import pytest

from app.domain.generation import Sampling
from app.domain.samplers import ORDER, complete
from app.engine.worker.chain import Candidates, Chain, greedy, members, seed_of, selector
from app.engine.worker.penalties import Biases
from tests.engine.worker.natively import random_logits

pytestmark = pytest.mark.llama
SIZE = 100


@pytest.fixture
def api(library):
    return library.api


def kept(api, names, logits, **fields):
    """Returns the tokens left after samplers, best first."""
    sampling = complete(Sampling(**fields))
    chain = Chain(api, [member for name in names for member in members(api, name, sampling, 1)])
    candidates = Candidates(api, len(logits))
    candidates.fill(memoryview(logits))
    chain.apply(candidates)
    chain.close()
    left = [candidates.array.data[place] for place in range(candidates.array.size)]
    left = [each for each in left if each.logit > -numpy.inf]
    return [each.id for each in sorted(left, key=lambda each: -each.logit)]


def test_samplers_that_are_off_are_not_there(api):
    off = complete(Sampling(top_k=0, top_p=1.0, min_p=0.0))
    assert [members(api, name, off, 1) for name in ORDER if name != "temperature"] == [[]] * (len(ORDER) - 1)


def test_each_leaves_what_it_should(api):
    logits = numpy.log(numpy.array([0.5, 0.25, 0.15, 0.06, 0.04], numpy.float32))
    assert kept(api, ["top_k"], logits, top_k=2) == [0, 1]
    assert kept(api, ["top_p"], logits, top_p=0.8) == [0, 1, 2]
    assert kept(api, ["min_p"], logits, min_p=0.2) == [0, 1, 2]
    assert kept(api, ["xtc"], logits, xtc_probability=1.0, xtc_threshold=0.1) == [2, 3, 4]
    assert kept(api, ["typical_p"], logits, typical_p=0.2) == [1]
    assert kept(api, ["top_n_sigma"], logits, top_n_sigma=1.0) == [0, 1]
    assert kept(api, ["typical_p", "top_k"], logits, typical_p=0.7, top_k=1) == [0]


def test_typical_does_not_keep_what_cannot_come(api):
    """llama.cpp's entropy is not a number when a logit is -inf, and it then keeps the likeliest first."""
    logits = numpy.log(numpy.array([0.5, 0.25, 0.15, 0.06, 0.04], numpy.float32))
    with_nothing = numpy.append(logits, numpy.float32(-numpy.inf))
    assert kept(api, ["typical_p"], with_nothing, typical_p=0.2) == [1]


def test_dynamic_temperature_never_divides_by_almost_nothing(api):
    """When the model is nearly certain, llama.cpp's logits overflow and the least likely token comes."""
    for exponent in (1.0, 3.0, 3.3, 3.5, 20.0):
        fields = {"temperature": 0.25, "temperature_range": 0.25, "temperature_exponent": exponent}
        sampling = complete(Sampling(**fields))
        chain = Chain(api, [*members(api, "temperature", sampling, 1), *selector(api, 3, sampling, 1)])
        candidates = Candidates(api, 3)
        candidates.fill(memoryview(numpy.array([30, 0, 0], numpy.float32)))
        chain.apply(candidates)
        chain.close()
        assert candidates.selected() == 0


def test_candidates_may_be_a_few_and_adjusted_between(api):
    logits = random_logits(SIZE, 1)
    candidates = Candidates(api, SIZE)
    some = [3, 50, 70]
    candidates.fill(memoryview(logits), some)
    xtc = Chain(api, members(api, "xtc", complete(Sampling(xtc_probability=1.0, xtc_threshold=0.0)), 1))
    xtc.apply(candidates)  # moves the beginning
    last = candidates.array.data[0].id
    assert last == min(some, key=lambda token: logits[token])
    candidates.adjust(Biases({last: 1.5}))
    assert candidates.array.data[0].logit == pytest.approx(logits[last] + 1.5)
    chooser = Chain(api, greedy(api))
    chooser.apply(candidates)
    assert candidates.selected() == last
    xtc.close()
    chooser.close()


def test_every_selector_chooses(api):
    for fields in ({}, {"mirostat": 1}, {"mirostat": 2}, {"adaptive_target": 0.5}):
        chain = Chain(api, selector(api, SIZE, complete(Sampling(**fields)), 7))
        candidates = Candidates(api, SIZE)
        candidates.fill(memoryview(random_logits(SIZE, 2)))
        chain.apply(candidates)
        assert 0 <= candidates.selected() < SIZE
        chain.close()


def test_seeds():
    assert seed_of(Sampling(seed=5)) == 5
    assert seed_of(Sampling(seed=2**32 - 1)) == 0  # llama.cpp would draw one
    assert seed_of(Sampling()) != seed_of(Sampling())
