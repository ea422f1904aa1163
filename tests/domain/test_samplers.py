from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.generation import LogitBias, Sampling, Trigger, over
from app.domain.model import Model, ModelOptions
from app.domain.samplers import KNOBS, ORDER, USUAL, complete, fault, sound, suited
from app.domain.value import from_json, to_json

MODEL = Model(id="m", name="m", path="/m.gguf", size_bytes=1)
knobs = st.sampled_from(KNOBS)


def settings_with(**fields: object) -> Sampling:
    return Sampling(**fields)  # type: ignore[arg-type]


def test_the_usual_is_complete_and_sound() -> None:
    assert fault(USUAL) is None
    assert complete(Sampling()) == USUAL
    for knob in KNOBS:
        assert knob.admits(getattr(USUAL, knob.name))


def test_every_number_of_sampling_is_in_the_table() -> None:
    others = {
        *("thinking", "effort", "reasoning_budget"),  # not the sampler's
        "dry_breakers",
        "order",
        "logit_bias",
        "grammar",
        "grammar_triggers",
        "seed",
        "max_tokens",
        "stop",
    }
    assert {knob.name for knob in KNOBS} == set(Sampling.__struct_fields__) - others


def test_a_chosen_usual_value_is_a_choice() -> None:
    assert over(Sampling(temperature=0.8), Sampling(temperature=0.2)).temperature == 0.8
    assert over(Sampling(), Sampling(temperature=0.2)).temperature == 0.2


def test_nothing_can_be_chosen_where_something_would_suit() -> None:
    assert over(Sampling(dry_breakers=()), USUAL).dry_breakers == ()
    assert over(Sampling(grammar=""), Sampling(grammar="root ::= .")).grammar == ""


@given(st.lists(st.builds(lambda knob: (knob.name, knob.usual), knobs)))
def test_over_takes_just_what_was_chosen(pairs: list[tuple[str, float]]) -> None:
    wished = settings_with(**dict(pairs))
    suits = settings_with(**{knob.name: knob.highest for knob in KNOBS})
    found = over(wished, suits)
    for knob in KNOBS:
        expected = knob.usual if knob.name in dict(pairs) else knob.highest
        assert getattr(found, knob.name) == expected


def test_who_is_asked_first() -> None:
    """The chat, what a person set for the model, what suits the model, the settings, the usual."""
    model = msgspec.structs.replace(
        MODEL,
        sampling=Sampling(temperature=0.3, top_k=3, top_p=0.3),
        options=ModelOptions(sampling=Sampling(temperature=0.2, top_k=2)),
    )
    settings = {
        "sampling.temperature": 0.4,
        "sampling.top_k": 4,
        "sampling.top_p": 0.4,
        "sampling.min_p": 0.4,
    }
    found = over(Sampling(temperature=0.1), suited(model, settings))
    assert (found.temperature, found.top_k, found.top_p, found.min_p) == (0.1, 2, 0.3, 0.4)
    assert found.typical_p == USUAL.typical_p


@given(knobs, st.floats() | st.integers())
def test_no_number_out_of_range_passes(knob, value: float) -> None:
    wrong = fault(settings_with(**{knob.name: value}))
    if knob.admits(value):
        assert wrong is None
    else:
        assert wrong is not None
        assert knob.name in wrong
        assert sound(settings_with(**{knob.name: value})) == Sampling()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1e30, True, "1"])
def test_what_is_no_sound_number(value: object) -> None:
    for knob in KNOBS:
        assert fault(settings_with(**{knob.name: value})) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        Sampling(order=("top_q",)),
        Sampling(order=("top_k", "top_k")),
        Sampling(logit_bias=(LogitBias(token=1, bias=math.nan),)),
        Sampling(logit_bias=(LogitBias(token=1, bias=math.inf),)),
        Sampling(logit_bias=(LogitBias(bias=1.0),)),
        Sampling(logit_bias=(LogitBias(token=1, text="x"),)),
        Sampling(dry_breakers=("",)),
        Sampling(dry_breakers=("x" * 41,)),
        Sampling(dry_breakers=("x",) * 33),
        Sampling(grammar="x" * (256 * 1024 + 1)),
        Sampling(grammar_triggers=(Trigger(),)),
        Sampling(grammar_triggers=(Trigger(word="x"),) * 33),
    ],
)
def test_other_faults(wrong: Sampling) -> None:
    assert fault(wrong) is not None


def test_any_order_is_sound() -> None:
    assert fault(Sampling(order=ORDER[::-1])) is None
    assert fault(Sampling(order=())) is None


def test_what_was_stored_before_there_were_choices_reads_as_chosen() -> None:
    """Old chats left out what was usual and wrote the rest."""
    old = '{"temperature":0.2,"top_p":0.9,"seed":7,"stop":["x"]}'
    assert from_json(old, Sampling) == Sampling(temperature=0.2, top_p=0.9, seed=7, stop=("x",))
    assert from_json("{}", Sampling) == Sampling()


def test_everything_survives_json() -> None:
    full = over(
        Sampling(
            logit_bias=(LogitBias(token=1), LogitBias(text="x", bias=-1.5)),
            grammar="root ::= .",
            grammar_triggers=(Trigger(word="x"), Trigger(token=3)),
            seed=1,
            max_tokens=2,
            stop=("a",),
        ),
        USUAL,
    )
    assert from_json(to_json(full), Sampling) == full
