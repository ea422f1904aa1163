from __future__ import annotations

import ctypes
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.generation import LogitBias, Sampling, Trigger
from app.domain.samplers import KNOBS, ORDER, complete
from app.engine.worker.chain import Chain, members
from app.engine.worker.sampler import Sampler
from app.errors import KnownError
from tests.engine.worker.workbench import Workbench

pytestmark = pytest.mark.llama


@pytest.fixture(scope="module")
def bench(library, smol):
    """Stands after "Once upon a": what follows is likely, not certain."""
    bench = Workbench(library, smol)
    bench.evaluate(smol.vocabulary.tokenize("Once upon a", parse_special=False))
    yield bench
    bench.close()


def drawn(library, bench, count: int = 40, prompt: tuple[int, ...] = (), **fields: object) -> list[int]:
    """Draws from the same logits again and again."""
    sampler = Sampler(library.api, bench.desk.model.vocabulary, Sampling(**fields), prompt)
    try:
        return [fresh(bench, sampler) for _ in range(count)]
    finally:
        sampler.close()


def fresh(bench, sampler: Sampler) -> int:
    """Draws once and undoes what that did to the logits."""
    logits = sampler._logits(bench.context.pointer, -1)
    before = bytes(logits)
    token = sampler.sample(bench.context.pointer)
    logits.cast("B")[:] = before
    return token


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


# Every setting


numbers = {
    knob.name: st.integers(max(0, int(knob.lowest)), int(min(knob.highest, 100)))
    if knob.is_whole
    else st.floats(knob.lowest, min(knob.highest, 30))
    for knob in KNOBS
}
any_settings = st.fixed_dictionaries(
    {"order": st.permutations(ORDER).map(tuple), "seed": st.integers(0, 99)}, optional=numbers
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_settings)
def test_any_sound_settings_in_any_order_draw_and_draw_again_the_same(library, bench, fields):
    vocabulary = bench.desk.model.vocabulary
    first = drawn(library, bench, 3, (5, 9, 5, 9, 5), **fields)
    assert all(0 <= token < vocabulary.size for token in first)
    assert drawn(library, bench, 3, (5, 9, 5, 9, 5), **fields) == first


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_settings)
def test_temperature_zero_is_the_likeliest_whatever_else_is_set(library, bench, fields):
    changes = ("repeat_penalty", "frequency_penalty", "presence_penalty", "dry_multiplier")
    fields = {name: value for name, value in fields.items() if name not in changes}
    found = drawn(library, bench, 3, **{**fields, "temperature": 0, "temperature_range": 0.0})
    assert set(found) == {ranked(bench)[0]}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_settings)
def test_top_k_of_one_first_is_the_likeliest(library, bench, fields):
    order = ("top_k", *(name for name in fields["order"] if name != "top_k"))
    found = drawn(library, bench, 3, **{**fields, "order": order, "top_k": 1, "mirostat": 0})
    assert set(found) == {ranked(bench)[0]}


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"mirostat": 1},
        {"mirostat": 2},
        {"typical_p": 0.5, "top_k": 0},
        {"adaptive_target": 0.3},
        {"xtc_probability": 1.0, "xtc_threshold": 0.01},
        {"order": ("top_k", "temperature", "penalties"), "repeat_penalty": 1.5},
        {"top_n_sigma": 1.0, "typical_p": 0.7},
    ],
)
def test_what_is_forbidden_never_comes(library, bench, extra):
    forbidden = ranked(bench)[:30]
    biases = tuple(LogitBias(token=token) for token in forbidden)
    hot = {"temperature": 5.0, "seed": 2, **extra}
    assert not set(drawn(library, bench, 40, logit_bias=biases, **hot)) & set(forbidden)


def test_a_favourite_comes_always_and_a_text_is_its_tokens(library, bench):
    vocabulary = bench.desk.model.vocabulary
    (rare,) = vocabulary.tokenize(" zebra", parse_special=False)[-1:]
    favoured = (LogitBias(token=rare, bias=60.0), LogitBias(token=rare, bias=40.0))
    assert set(drawn(library, bench, 20, logit_bias=favoured)) == {rare}
    assert drawn(library, bench, 1, temperature=0, logit_bias=(LogitBias(text=" time"),)) != ranked(bench)[:1]


def test_what_the_vocabulary_suppresses_never_comes(library, bench, monkeypatch):
    best = ranked(bench)[0]
    monkeypatch.setattr(bench.desk.model.vocabulary, "suppressed", (best,))
    assert best not in drawn(library, bench, 20, temperature=0)


def test_penalties_move_the_model_on_wherever_they_stand(library, bench):
    best, second = ranked(bench)[:2]
    strict = {"temperature": 0, "presence_penalty": 30.0}
    assert drawn(library, bench, 2, **strict) == [best, second]
    assert drawn(library, bench, 1, (best,), **strict) == [second]
    late = {**strict, "temperature": 0.01, "order": ("top_k", "penalties", "temperature"), "top_k": 2}
    assert drawn(library, bench, 2, **late) == [best, second]
    assert drawn(library, bench, 2, **{**late, "top_k": 1}) == [best, best]


def test_forced_tokens_count_as_said(library, bench):
    best, second = ranked(bench)[:2]
    sampler = Sampler(
        library.api, bench.desk.model.vocabulary, Sampling(temperature=0, presence_penalty=30.0)
    )
    sampler.accept(best)
    assert fresh(bench, sampler) == second
    sampler.close()


def test_dry_breaks_a_loop(library, bench):
    best, second = ranked(bench)[:2]
    loop = (5, 6, best, 5, 6)
    assert drawn(library, bench, 1, loop, temperature=0, dry_multiplier=50.0) == [second]
    broken = {"temperature": 0, "dry_multiplier": 50.0, "dry_breakers": (piece(bench, 6),)}
    assert drawn(library, bench, 1, loop, **broken) == [best]


def piece(bench, token: int) -> str:
    return bench.desk.model.vocabulary.piece(token).decode()


def test_the_same_as_llama_cpp_with_its_penalties_over_the_whole_vocabulary(library, bench):
    fields = {"repeat_penalty": 1.4, "frequency_penalty": 0.3, "temperature": 2.0, "top_k": 100, "seed": 5}
    api, sampling = library.api, complete(Sampling(**fields))
    natives = [api.llama_sampler_init_penalties(bench.desk.model.vocabulary.size, 64, 1.4, 0.3, 0.0)]
    for name in ORDER:
        natives += members(api, name, sampling, 5)
    chain = Chain(api, [*natives, api.llama_sampler_init_dist(5)])
    expected = [chain.sample(bench.context.pointer, -1) for _ in range(60)]
    chain.close()
    assert drawn(library, bench, 60, **fields) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": float("nan")},
        {"top_p": -0.1},
        {"repeat_penalty": 0.0},
        {"order": ("x",)},
        {"logit_bias": (LogitBias(token=10**9),)},
        {"logit_bias": (LogitBias(token=-1),)},
        {"grammar": "root ::= ("},
        {"grammar": "root ::= .", "grammar_triggers": (Trigger(token=10**9),)},
    ],
)
def test_what_cannot_be_is_a_bad_request(library, bench, wrong):
    with pytest.raises(KnownError, match="bad-request"):
        Sampler(library.api, bench.desk.model.vocabulary, Sampling(**wrong))


def test_to_forbid_everything_is_a_bad_request(library, bench):
    everything = tuple(LogitBias(token=token) for token in range(bench.desk.model.vocabulary.size))
    with pytest.raises(KnownError, match="logit_bias"):
        drawn(library, bench, 1, logit_bias=everything)


# Grammars


GRAMMARS = {
    'root ::= ("yes" | "no" | "né") "!"': {"yes!", "no!", "né!"},
    'root ::= " a"{1,3}': {" a", " a a", " a a a"},
    'root ::= "<|im_start|>"? "€"': {"<|im_start|>€", "€"},
}


def written(library, bench, count: int = 20, **fields: object) -> str:
    vocabulary = bench.desk.model.vocabulary
    sampler = Sampler(library.api, vocabulary, Sampling(**fields))
    said = b""
    for _ in range(count):
        token = fresh(bench, sampler)
        if vocabulary.is_end(token):
            break
        said += vocabulary.piece(token)
    sampler.close()
    return said.decode()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(GRAMMARS)), any_settings)
def test_what_is_written_fits_the_grammar(library, bench, grammar, fields):
    assert written(library, bench, grammar=grammar, **fields) in GRAMMARS[grammar]


@pytest.mark.parametrize("fields", [{}, {"top_k": 5, "temperature": 2.0}, {"temperature": 0}])
@pytest.mark.parametrize("grammar", ["root ::= [^ tThesalif]*", "root ::= ([A-Z] [^a-z])*"])
def test_a_few_of_the_best_decide_as_all_would(library, bench, monkeypatch, fields, grammar):
    """Refused, it first looks among the best tokens; what it then draws must not depend on that."""
    wide = {"grammar": grammar, "seed": 4, "min_p": 0.0, "top_p": 1.0, **fields}
    quick = written(library, bench, 30, **wide)
    monkeypatch.setattr(Sampler, "_best_allowed", lambda *_: None)
    assert written(library, bench, 30, **wide) == quick
    assert quick


def test_the_best_is_not_enough_where_penalties_come_after(library, bench):
    good, bad = ranked(bench)[5], ranked(bench)[3000]
    late = {"order": ("top_k", "penalties"), "presence_penalty": 60.0, "temperature": 0}
    grammar = f"root ::= <[{good}]> | <[{bad}]>"
    assert drawn(library, bench, 1, **late, grammar=grammar) == [good]
    assert drawn(library, bench, 1, (good,), **late, grammar=grammar) == [bad]


def test_while_it_thinks_the_grammar_waits(library, bench):
    vocabulary = bench.desk.model.vocabulary
    sampler = Sampler(library.api, vocabulary, Sampling(temperature=0, grammar='root ::= "x"'))
    sampler.is_thinking = True
    assert fresh(bench, sampler) == ranked(bench)[0]
    sampler.is_thinking = False
    assert vocabulary.piece(fresh(bench, sampler)) == b"x"
    assert vocabulary.is_end(fresh(bench, sampler))
    sampler.close()


def test_a_grammar_begins_at_its_trigger(library, bench):
    best = piece(bench, ranked(bench)[0])
    lazy = {"grammar": f'root ::= "{best}" "!"', "grammar_triggers": (Trigger(word=best),)}
    assert written(library, bench, temperature=0, **lazy) == f"{best}!"


def test_a_grammar_that_leaves_nothing_says_so(library, bench):
    best = LogitBias(text="y")
    with pytest.raises(KnownError, match="grammar"):
        written(library, bench, grammar='root ::= "y"', logit_bias=(best,))
