"""How an answer is made: what is asked of the sampler, why it ended, how long it took."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

import msgspec

from app.domain.value import Value


class LogitBias(Value):
    """What is added to the logit of one token, or of every token of a text; None forbids it."""

    token: int | None = None
    text: str = ""
    bias: float | None = None


class Trigger(Value):
    """What makes a grammar begin: a word in the answer, or a token. The grammar covers it too."""

    word: str = ""
    token: int | None = None


EFFORTS = ("low", "medium", "high")


class Sampling(Value):
    """Sampler settings of one answer. None (or nothing) was not chosen and is left to what suits the model;
    what the fields mean, their ranges and usual values are in `app/domain/samplers.py`."""

    temperature: float | None = None
    temperature_range: float | None = None
    temperature_exponent: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    top_n_sigma: float | None = None
    xtc_probability: float | None = None
    xtc_threshold: float | None = None
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    dry_last_n: int | None = None
    dry_breakers: tuple[str, ...] | None = None
    mirostat: int | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    adaptive_target: float | None = None
    adaptive_decay: float | None = None
    repeat_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    penalty_last_n: int | None = None
    order: tuple[str, ...] | None = None
    logit_bias: tuple[LogitBias, ...] = ()
    grammar: str | None = None  # GBNF; "" is none, whatever else would suit
    grammar_triggers: tuple[Trigger, ...] = ()  # none: the grammar holds from the first token
    seed: int | None = None  # None draws a fresh one
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    thinking: bool | None = None  # whether a model that can reason does
    effort: str | None = None  # one of EFFORTS
    reasoning_budget: int | None = None  # tokens it may think for


def over(wished: Sampling, suited: Sampling) -> Sampling:
    """Returns what is wished, and what suits wherever nothing was wished."""
    return msgspec.structs.replace(suited, **chosen(wished))


def chosen(sampling: Sampling) -> dict[str, Any]:
    """Returns the fields that were chosen."""
    return {
        name: getattr(sampling, name)
        for name in sampling.__struct_fields__
        if getattr(sampling, name) not in (None, ())
        or (name == "dry_breakers" and sampling.dry_breakers is not None)
    }


class Priority(IntEnum):
    """Who goes first when several want the same model. Smaller is more urgent."""

    INTERACTIVE = 0  # a person watches
    PROGRAM = 1  # another program asked
    BACKGROUND = 2  # nobody waits: titles, warming


class Phase(StrEnum):
    """Where an answer is on its way."""

    QUEUED = "queued"
    LOADING = "loading"
    TEMPLATE = "template"
    PREFILL = "prefill"
    DECODE = "decode"


class StopReason(StrEnum):
    """Why an answer ended."""

    END = "end"  # the model said it was done
    LENGTH = "length"  # max_tokens reached
    STOP_STRING = "stop"
    CONTEXT_FULL = "context-full"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Timings(Value):
    """Counts and times of one answer, named as llama-server names them.

    `cache_n` prompt tokens were reused from the KV cache, `prompt_n` were evaluated in `prompt_ms`,
    `predicted_n` tokens were made in `predicted_ms`.
    """

    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0
    reasoning_ms: float = 0.0
    reasoning_n: int = 0

    @property
    def predicted_per_second(self) -> float:
        return self.predicted_n * 1000 / self.predicted_ms if self.predicted_ms > 0 else 0.0
