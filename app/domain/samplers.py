"""The samplers there are: their ranges, their usual values, the order they work in.

The one table for the engine, the command line, settings and the window; nothing else lists them. The usual
values and the order are llama.cpp's own. Knows nothing of how a token is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from app.domain.generation import Sampling, over
from app.domain.model import Model

# What is not named in an order is not used. Adaptive-p and mirostat choose the token: they are always last.
ORDER = ("penalties", "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc", "temperature")
WHOLE_CONTEXT = -1  # of `dry_last_n` and `penalty_last_n`
_MOST_LAST_N = 2**20
_MOST_WHOLE = 2**31 - 1
_MOST_BREAKERS = 32
_MOST_BREAKER_CHARACTERS = 40
_MOST_BIASES = 100_000
_MOST_TRIGGERS = 32
MOST_GRAMMAR_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Knob:
    """One number of `Sampling`; its range includes both ends."""

    name: str
    usual: float | int
    lowest: float
    highest: float

    @property
    def is_whole(self) -> bool:
        return isinstance(self.usual, int)

    def admits(self, value: object) -> bool:
        """Whether this is a value it can have; never true of NaN."""
        kinds = (int,) if self.is_whole else (int, float)
        return type(value) in kinds and self.lowest <= value <= self.highest  # type: ignore[operator]


KNOBS: tuple[Knob, ...] = (
    Knob("temperature", 0.8, 0, 100),  # 0 always takes the likeliest
    Knob("temperature_range", 0.0, 0, 100),  # 0 is off
    Knob("temperature_exponent", 1.0, 0, 100),
    Knob("top_k", 40, 0, _MOST_WHOLE),  # 0 is off
    Knob("top_p", 0.95, 0, 1),  # 1 is off
    Knob("min_p", 0.05, 0, 1),  # 0 is off
    Knob("typical_p", 1.0, 0, 1),  # 1 is off
    Knob("top_n_sigma", 0.0, 0, 1000),  # 0 is off
    Knob("xtc_probability", 0.0, 0, 1),  # 0 is off
    Knob("xtc_threshold", 0.1, 0, 1),
    Knob("dry_multiplier", 0.0, 0, 1000),  # 0 is off
    Knob("dry_base", 1.75, 1, 1000),
    Knob("dry_allowed_length", 2, 1, _MOST_LAST_N),
    Knob("dry_last_n", 64, WHOLE_CONTEXT, _MOST_LAST_N),  # 0 is off
    Knob("mirostat", 0, 0, 2),  # 0 is off, else the version
    Knob("mirostat_tau", 5.0, 0, 100),
    Knob("mirostat_eta", 0.1, 0, 1),
    Knob("adaptive_target", -1.0, -1, 1),  # below 0 is off
    Knob("adaptive_decay", 0.9, 0, 0.99),
    Knob("repeat_penalty", 1.0, 0.01, 100),  # 1 is off
    Knob("frequency_penalty", 0.0, -100, 100),  # 0 is off
    Knob("presence_penalty", 0.0, -100, 100),  # 0 is off
    Knob("penalty_last_n", 64, WHOLE_CONTEXT, _MOST_LAST_N),  # 0 is off
)
USUAL = Sampling(
    **{knob.name: knob.usual for knob in KNOBS},  # type: ignore[arg-type]
    dry_breakers=("\n", ":", '"', "*"),
    order=ORDER,
)


def complete(sampling: Sampling) -> Sampling:
    """Returns the settings with the usual value for everything that was not chosen."""
    return over(sampling, USUAL)


def suited(model: Model, settings: Mapping[str, Any]) -> Sampling:
    """Returns what applies to a chat that chose nothing: what a person set for the model, what suits it,
    what a person usually wants (`sampling.*` of the settings), and the usual."""
    usual = {
        name: settings[f"sampling.{name}"]
        for name in USUAL.__struct_fields__
        if f"sampling.{name}" in settings
    }
    return over(model.options.sampling, over(model.sampling, over(Sampling(**usual), USUAL)))


def sound(sampling: Sampling) -> Sampling:
    """Returns the settings without the numbers that are out of range (a file may hold any)."""
    wrong = {
        knob.name: None
        for knob in KNOBS
        if getattr(sampling, knob.name) is not None and not knob.admits(getattr(sampling, knob.name))
    }
    return msgspec.structs.replace(sampling, **wrong)


def fault(sampling: Sampling) -> str | None:
    """Returns which setting cannot be, and what it may be; None when all is well. Grammars are not read."""
    for knob in KNOBS:
        value = getattr(sampling, knob.name)
        if value is not None and not knob.admits(value):
            return f"{knob.name}: {value} ({knob.lowest:g} .. {knob.highest:g})"
    return _order_fault(sampling.order or ORDER) or _parts_fault(sampling)


def _order_fault(order: tuple[str, ...]) -> str | None:
    unknown = [name for name in order if name not in ORDER]
    if unknown:
        return f"order: {unknown[0]!r} ({', '.join(ORDER)})"
    twice = [name for name in order if order.count(name) > 1]
    return f"order: {twice[0]} twice" if twice else None


def _parts_fault(sampling: Sampling) -> str | None:
    breakers = sampling.dry_breakers or ()
    if len(breakers) > _MOST_BREAKERS or any(
        not 0 < len(text) <= _MOST_BREAKER_CHARACTERS for text in breakers
    ):
        return f"dry_breakers: {_MOST_BREAKERS} of 1 .. {_MOST_BREAKER_CHARACTERS}"
    if len(sampling.logit_bias) > _MOST_BIASES:
        return f"logit_bias: {len(sampling.logit_bias)} (0 .. {_MOST_BIASES})"
    for each in sampling.logit_bias:
        if each.bias is not None and not math.isfinite(each.bias):
            return f"logit_bias: {each.bias}"
        if (each.token is None) == (not each.text):
            return "logit_bias: token | text"
    if len((sampling.grammar or "").encode("utf-8", "replace")) > MOST_GRAMMAR_BYTES:
        return f"grammar: .. {MOST_GRAMMAR_BYTES}"
    if len(sampling.grammar_triggers) > _MOST_TRIGGERS:
        return f"grammar_triggers: {len(sampling.grammar_triggers)} (0 .. {_MOST_TRIGGERS})"
    for trigger in sampling.grammar_triggers:
        if (trigger.token is None) == (not trigger.word):
            return "grammar_triggers: token | word"
    return None
