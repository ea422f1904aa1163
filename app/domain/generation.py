"""How an answer is made: what is asked of the sampler, why it ended, how long it took."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

from app.domain.value import Value


class Sampling(Value):
    """Sampler settings of one answer. Temperature 0 is greedy; `seed` None draws a fresh one."""

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()


def over(wished: Sampling, suited: Sampling) -> Sampling:
    """Returns what is wished, and what suits wherever the wish is the usual value."""
    usual = Sampling()
    changes = {
        name: getattr(wished, name)
        for name in wished.__struct_fields__
        if getattr(wished, name) != getattr(usual, name)
    }
    return msgspec.structs.replace(suited, **changes)


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
