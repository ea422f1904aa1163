"""What choosing a token costs, setting by setting, on the real vocabulary of the starter model.

The logits are of a real prompt. Processor time of the one thread that does it, so that what else runs counts
little. llama.cpp's own way (penalties over the whole vocabulary, the grammar inside the chain) stands beside
ours.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from app.domain.engine import LoadPlan
from app.domain.generation import LogitBias, Sampling
from app.domain.samplers import ORDER, complete
from app.engine.worker.bindings import Library
from app.engine.worker.chain import Chain, members, selector
from app.engine.worker.grammar import Constraint
from app.engine.worker.model import load_model
from app.engine.worker.sampler import Sampler
from tests.benchmarks.engine import Rows
from tests.benchmarks.table import Row
from tests.engine.worker.workbench import Workbench
from tests.realmodels import smollm2

_ROUNDS, _TOKENS = 7, 40
_PROMPT = "The capital of France is Paris. " * 40
_NONE: dict[str, Any] = {"top_k": 0, "top_p": 1.0, "min_p": 0.0}
_ANYTHING = "root ::= [^\\x00]*"
_QUOTED = 'root ::= "{\\"a\\": \\"" [^"]* "\\"}"'

SETTINGS: dict[str, dict[str, Any]] = {
    "the usual": {},
    "temperature 0": {"temperature": 0.0},
    "top-k 40 alone": {**_NONE, "top_k": 40},
    "top-p 0.95 alone": {**_NONE, "top_p": 0.95},
    "min-p 0.05 alone": {**_NONE, "min_p": 0.05},
    "typical 0.9 alone": {**_NONE, "typical_p": 0.9},
    "top-n-sigma 1 alone": {**_NONE, "top_n_sigma": 1.0},
    "XTC 0.5 alone": {**_NONE, "xtc_probability": 0.5},
    "none (temperature only)": _NONE,
    "the usual, dynamic temperature": {"temperature_range": 0.5},
    "the usual, typical 0.9": {"typical_p": 0.9},
    "the usual, XTC 0.5": {"xtc_probability": 0.5},
    "the usual, top-n-sigma 1": {"top_n_sigma": 1.0},
    "the usual, adaptive-p": {"adaptive_target": 0.5},
    "mirostat 1": {"mirostat": 1},
    "mirostat 2": {"mirostat": 2},
    "the usual, 100 logit biases": {"logit_bias": tuple(LogitBias(token=t, bias=1.0) for t in range(100))},
    "the usual, penalties of 64 (ours)": {"repeat_penalty": 1.1, "presence_penalty": 0.5},
    "the usual, penalties of all (ours)": {"repeat_penalty": 1.1, "penalty_last_n": -1},
    "the usual, penalties after top-k": {
        "repeat_penalty": 1.1,
        "order": ("top_k", "penalties", *(name for name in ORDER if name not in ("penalties", "top_k"))),
    },
    "the usual, DRY of 64 (ours)": {"dry_multiplier": 0.8},
    "the usual, DRY of all (ours)": {"dry_multiplier": 0.8, "dry_last_n": -1},
    "the usual, grammar that fits (ours)": {"grammar": _ANYTHING},
}


def measure(_cove: object = None) -> Rows:
    library = Library()
    model = load_model(
        library, LoadPlan(model_id="smol", model_path=str(smollm2())), lambda _: None, lambda: False
    )
    bench = Workbench(library, model)
    bench.evaluate(model.vocabulary.tokenize(_PROMPT, parse_special=False))
    rows: Rows = []
    for name, fields in SETTINGS.items():
        goal = "≤ 150 µs" if not fields else ""
        rows.append(Row(f"choose, {name}", _microseconds(_ours(bench, Sampling(**fields))), goal))
    rows += [Row(f"choose, {name}", _microseconds(make)) for name, make in _theirs(bench).items()]
    rows += _grammars(bench)
    bench.close()
    model.close()
    return rows


def _ours(bench: Workbench, sampling: Sampling) -> Callable[[], int]:
    context, said = bench.context.pointer, bench.slot.tokens
    sampler = Sampler(bench.desk.api, bench.desk.model.vocabulary, sampling, said)
    return lambda: sampler.sample(context)


def _theirs(bench: Workbench) -> dict[str, Callable[[], int]]:
    api, vocabulary = bench.desk.api, bench.desk.model.vocabulary
    breakers = (ctypes.c_char_p * 4)(b"\n", b":", b'"', b"*")
    usual = complete(Sampling(seed=1))

    def chain(first: int) -> Callable[[], int]:
        for token in bench.slot.tokens:
            if "grammar" not in api.llama_sampler_name(first).decode():
                api.llama_sampler_accept(first, token)
        natives = [first, *(each for name in ORDER for each in members(api, name, usual, 1))]
        made = Chain(api, [*natives, *selector(api, vocabulary.size, usual, 1)])
        return lambda: made.sample(bench.context.pointer, -1)

    dry = api.llama_sampler_init_dry(vocabulary._pointer, 0.8, 1.75, 2, 64, breakers, 4)
    return {
        "llama.cpp: the usual, penalties of 64": chain(
            api.llama_sampler_init_penalties(vocabulary.size, 64, 1.1, 0.0, 0.5)
        ),
        "llama.cpp: the usual, DRY of 64": chain(dry),
        "llama.cpp: the usual, grammar that fits, in the chain": chain(
            api.llama_sampler_init_grammar(vocabulary._pointer, _ANYTHING.encode(), b"root")
        ),
    }


def _grammars(bench: Workbench) -> Rows:
    """What a refusal costs: the tokens that fit are looked for once a state, then kept."""
    vocabulary = bench.desk.model.vocabulary
    rows: Rows = []
    for name, said in (("one way on", b""), ("nearly everything", b'{"a": "')):
        constraint = Constraint(vocabulary, _QUOTED)
        constraint._place = (constraint._automaton.walk(constraint._automaton.start, said.decode()), b"")
        begun = time.thread_time()
        constraint.allowed()
        first = time.thread_time() - begun
        rows.append(Row(f"tokens that fit, {name}: first time", f"{first * 1000:.1f} ms"))
    refused = _ours(bench, Sampling(grammar='root ::= "é"*'))
    rows.append(Row("choose, the usual, every token refused", _microseconds(refused)))
    return rows


def _microseconds(draw: Callable[[], int]) -> str:
    draw()
    rounds = []
    for _ in range(_ROUNDS):
        begun = time.thread_time()
        for _ in range(_TOKENS):
            draw()
        rounds.append((time.thread_time() - begun) / _TOKENS)
    return f"{median(rounds) * 1e6:.0f} µs ({min(rounds) * 1e6:.0f} to {max(rounds) * 1e6:.0f})"
