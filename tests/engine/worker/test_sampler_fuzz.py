"""No settings and no grammar end the child: whatever is asked, it answers or refuses, and goes on."""

from __future__ import annotations

import random

import pytest

from app.domain.generation import LogitBias, Sampling, StopReason, Trigger
from app.domain.notice import NoticeCode
from app.domain.samplers import KNOBS, ORDER
from app.engine.base import Failed, Finished
from tests.engine.worker.childclient import ChildClient
from tests.engine.worker.test_gbnf import JSON, WORDS

pytestmark = pytest.mark.llama
# Each of these ends a process that gives it to llama.cpp as it is, or lets it run for ever.
DEADLY = [
    'root ::= "a" !<[5]>',
    "root ::= [a-zA-Z ]* !<[5]>",
    'root ::= a root "x"\na ::= b\nb ::= | "c"',
    "root ::= " + "(" * 100_000,
    'root ::= "\\x00"',
    "root ::= []",
    "root ::= a a a a a\na ::= b b b b b\nb ::= c c c c c\nc ::= d d d d d\nd ::= e e e e e\ne ::=",
    'root ::= ""',
    JSON,
    'root ::= [^"]{0,2000}',
    "root ::= <|im_end|>",
]


def some_grammar(rng: random.Random) -> str:
    return rng.choice([rng.choice(DEADLY), "root ::= " + "".join(rng.choices(WORDS, k=rng.randrange(1, 12)))])


def some_number(rng: random.Random, knob) -> float:
    lowest, highest = knob.lowest, knob.highest
    chosen = rng.choice(
        [lowest, highest, knob.usual, rng.uniform(lowest, min(highest, 50)), lowest - 1, highest * 2]
    )
    return int(chosen) if knob.is_whole else float(chosen)


def some_settings(rng: random.Random) -> Sampling:
    fields = {knob.name: some_number(rng, knob) for knob in rng.sample(KNOBS, rng.randrange(6))}
    if rng.random() < 0.5:
        fields["grammar"] = some_grammar(rng)
    if rng.random() < 0.2:
        fields["grammar_triggers"] = (Trigger(word=rng.choice(["a", "The", "{"])),)
    if rng.random() < 0.3:
        fields["order"] = tuple(rng.sample(ORDER, rng.randrange(len(ORDER) + 1)))
    if rng.random() < 0.2:
        tokens = [rng.randrange(-1, 60_000) for _ in range(5)]
        fields["logit_bias"] = tuple(
            LogitBias(token=token, bias=rng.choice([None, -100.0, 100.0])) for token in tokens
        )
    if rng.random() < 0.2:
        fields["dry_breakers"] = tuple(rng.choices(["\n", "é", "\x00", "x" * 40, "", "\ud7ff"], k=2))
    return Sampling(**fields, seed=rng.randrange(2**32), max_tokens=4)


def fuzz(child: ChildClient, seeds: range) -> dict[str, int]:
    ends = {"answered": 0, "refused": 0}
    for seed in seeds:
        asked = some_settings(random.Random(seed))
        end = child.ask("Hello.", sampling=asked).end
        if isinstance(end, Finished):
            assert end.stop_reason in {StopReason.END, StopReason.LENGTH}, asked
            ends["answered"] += 1
        else:
            assert isinstance(end, Failed)
            assert end.notice.code is NoticeCode.BAD_REQUEST, (asked, end)
            ends["refused"] += 1
    assert child.process.poll() is None
    return ends


@pytest.mark.parametrize("grammar", DEADLY)
def test_what_would_end_llama_cpp_does_not_end_the_child(child, grammar):
    for temperature in (0.0, 5.0):
        end = child.ask(
            "Hello.", sampling=Sampling(temperature=temperature, grammar=grammar, max_tokens=6)
        ).end
        assert isinstance(end, Finished) or end.notice.code is NoticeCode.BAD_REQUEST
    assert child.process.poll() is None


def test_nothing_asked_ends_the_child(child):
    ends = fuzz(child, range(20))
    assert min(ends.values()) > 0


@pytest.mark.slow
def test_nothing_asked_ends_the_child_for_long(child):
    ends = fuzz(child, range(1000, 2000))
    assert min(ends.values()) > 100
