"""Choosing the next token: one chain of llama.cpp's samplers for one answer."""

from __future__ import annotations

import secrets
from typing import Any

from app.domain.generation import Sampling

_SEEDS = 0xFFFFFFFF  # the last value means "draw one" to llama.cpp, which could then not be repeated


class Sampler:
    """The same seed over the same logits gives the same tokens."""

    def __init__(self, api: Any, sampling: Sampling) -> None:
        self._api = api
        parameters = api.llama_sampler_chain_default_params()
        self._chain = api.llama_sampler_chain_init(parameters)
        for member in _members(api, sampling):
            api.llama_sampler_chain_add(self._chain, member)
        self._sample = api.llama_sampler_sample

    def sample(self, context: int, row: int = -1) -> int:
        """Returns the next token after that row of the batch decoded last, and counts it as chosen."""
        token: int = self._sample(self._chain, context, row)
        return token

    def close(self) -> None:
        """Frees the chain and its members."""
        self._api.llama_sampler_free(self._chain)


def _members(api: Any, sampling: Sampling) -> list[int]:
    if sampling.temperature <= 0:
        return [api.llama_sampler_init_greedy()]
    members = []
    # Top-k first: the others then work on some dozens of candidates instead of the whole vocabulary.
    if sampling.top_k > 0:
        members.append(api.llama_sampler_init_top_k(sampling.top_k))
    if sampling.top_p < 1:
        members.append(api.llama_sampler_init_top_p(sampling.top_p, 1))
    if sampling.min_p > 0:
        members.append(api.llama_sampler_init_min_p(sampling.min_p, 1))
    members.append(api.llama_sampler_init_temp(sampling.temperature))
    seed = secrets.randbelow(_SEEDS) if sampling.seed is None else sampling.seed % _SEEDS
    members.append(api.llama_sampler_init_dist(seed))
    return members
