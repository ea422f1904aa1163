"""llama.cpp's samplers: chains of them, and the candidates they work on.

Given settings that `app.domain.samplers` finds sound, nothing here can end the process. Knows neither what
was said before nor grammars.
"""

from __future__ import annotations

import ctypes
import secrets
from array import array
from collections import defaultdict
from typing import Any

from app.domain.generation import Sampling
from app.engine.worker.penalties import Adjustment

LEAST_TEMPERATURE = 0.001  # below it logits overflow; it is greedy long before
_SEEDS = 0xFFFFFFFF  # the last value means "draw one" to llama.cpp, which could then not be repeated
_MIN_KEEP = 1
_MIROSTAT_TOKENS = 100  # its first version estimates from so many; what its authors chose
# A min-p that only drops tokens which cannot be drawn at all: some samplers fail on those (their entropy is
# 0 * log 0) and would keep everything.
_SCARCELY = 1e-20
_FIELDS, _FIELD_BYTES = 3, 4  # of a candidate: token, logit, probability


class Chain:
    """Samplers in a row. The same seed over the same logits chooses the same tokens."""

    def __init__(self, api: Any, members: list[int]) -> None:
        self._api = api
        self._pointer = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
        for member in members:
            api.llama_sampler_chain_add(self._pointer, member)
        self._sample = api.llama_sampler_sample

    def sample(self, context: int, row: int) -> int:
        """Chooses among all tokens by the logits of a row, and counts the token as said."""
        token: int = self._sample(self._pointer, context, row)
        return token

    def apply(self, candidates: Candidates) -> None:
        self._api.llama_sampler_apply(self._pointer, ctypes.byref(candidates.array))

    def accept(self, token: int) -> None:
        self._api.llama_sampler_accept(self._pointer, token)

    def close(self) -> None:
        self._api.llama_sampler_free(self._pointer)


class Candidates:
    """Tokens that may be chosen, with their logits, as llama.cpp wants them."""

    def __init__(self, api: Any, size: int) -> None:
        self._data = (api.llama_token_data * size)()
        memory = memoryview(self._data).cast("B")
        self._tokens, self._logits = memory.cast("i")[::_FIELDS], memory.cast("f")[1::_FIELDS]
        self._every = memoryview(array("i", range(size)))
        self._first = ctypes.cast(self._data, ctypes.POINTER(api.llama_token_data))
        self.array = api.llama_token_data_array()

    def fill(self, row: memoryview[float], tokens: list[int] | None = None) -> None:
        """Takes certain tokens, or all."""
        if tokens is None:
            self._tokens[:] = self._every
            self._logits[:] = row
        else:
            self._tokens[: len(tokens)] = memoryview(array("i", tokens))
            self._logits[: len(tokens)] = memoryview(array("f", [row[token] for token in tokens]))
        self.array.data = self._first
        self.array.size = len(row if tokens is None else tokens)
        self.array.selected = -1
        self.array.sorted = False

    def adjust(self, adjustment: Adjustment) -> None:
        """Lets something change logits."""
        left = range(self._start(), self._start() + self.array.size)
        logits = defaultdict(float, {self._tokens[place]: self._logits[place] for place in left})
        adjustment.apply(logits)
        for place in left:
            self._logits[place] = logits[self._tokens[place]]
        self.array.sorted = False

    def tokens(self) -> list[int]:
        """Returns what is left."""
        return self._tokens[self._start() : self._start() + self.array.size].tolist()

    def selected(self) -> int:
        token: int = self._tokens[self._start() + self.array.selected]
        return token

    def _start(self) -> int:
        # A sampler may have moved the beginning.
        moved = ctypes.addressof(self.array.data.contents) - ctypes.addressof(self._data)
        return moved // (_FIELDS * _FIELD_BYTES)


def seed_of(sampling: Sampling) -> int:
    return secrets.randbelow(_SEEDS) if sampling.seed is None else sampling.seed % _SEEDS


def members(api: Any, name: str, sampling: Any, seed: int) -> list[int]:
    """Returns the samplers that a name of the order stands for; none when it is off."""
    if name == "temperature":
        return [_temperature(api, sampling)]
    if name == "top_n_sigma" and sampling.top_n_sigma > 0:
        return [api.llama_sampler_init_top_n_sigma(sampling.top_n_sigma), _possible(api)]
    if name == "top_k" and sampling.top_k > 0:
        return [api.llama_sampler_init_top_k(sampling.top_k)]
    if name == "typical_p" and sampling.typical_p < 1:
        return [_possible(api), api.llama_sampler_init_typical(sampling.typical_p, _MIN_KEEP)]
    if name == "top_p" and sampling.top_p < 1:
        return [api.llama_sampler_init_top_p(sampling.top_p, _MIN_KEEP)]
    if name == "min_p" and sampling.min_p > 0:
        return [api.llama_sampler_init_min_p(sampling.min_p, _MIN_KEEP)]
    if name == "xtc" and sampling.xtc_probability > 0:
        probability, threshold = sampling.xtc_probability, sampling.xtc_threshold
        return [api.llama_sampler_init_xtc(probability, threshold, _MIN_KEEP, seed)]
    return []


def selector(api: Any, size: int, sampling: Any, seed: int) -> list[int]:
    """Returns what chooses in the end."""
    tau, eta = sampling.mirostat_tau, sampling.mirostat_eta
    if sampling.mirostat == 1:
        return [_possible(api), api.llama_sampler_init_mirostat(size, seed, tau, eta, _MIROSTAT_TOKENS)]
    if sampling.mirostat == 2:
        return [api.llama_sampler_init_mirostat_v2(seed, tau, eta)]
    if sampling.adaptive_target >= 0:
        return [api.llama_sampler_init_adaptive_p(sampling.adaptive_target, sampling.adaptive_decay, seed)]
    return [api.llama_sampler_init_dist(seed)]


def greedy(api: Any) -> list[int]:
    return [api.llama_sampler_init_greedy()]


def _temperature(api: Any, sampling: Any) -> int:
    lowest = max(sampling.temperature - sampling.temperature_range, LEAST_TEMPERATURE)
    highest = max(sampling.temperature + sampling.temperature_range, LEAST_TEMPERATURE)
    middle, half = (lowest + highest) / 2, (highest - lowest) / 2
    made: int = api.llama_sampler_init_temp_ext(middle, half, sampling.temperature_exponent)
    return made


def _possible(api: Any) -> int:
    made: int = api.llama_sampler_init_min_p(_SCARCELY, _MIN_KEEP)
    return made
