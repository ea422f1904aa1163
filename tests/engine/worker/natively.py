"""llama.cpp's own samplers on logits of our making, to compare ours with."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy

from app.engine.worker.chain import Candidates


def random_logits(size: int, seed: int) -> Any:
    return numpy.random.default_rng(seed).normal(0, 5, size).astype(numpy.float32)


def applied(api: Any, pointer: int, logits: Any, said: Sequence[int] = ()) -> Any:
    """Returns the logits after one sampler, in the order of the vocabulary; frees the sampler."""
    for token in said:
        api.llama_sampler_accept(pointer, token)
    candidates = Candidates(api, len(logits))
    candidates.fill(memoryview(logits))
    api.llama_sampler_apply(pointer, ctypes.byref(candidates.array))
    api.llama_sampler_free(pointer)
    found = numpy.full(len(logits), -numpy.inf, numpy.float32)
    for place in range(candidates.array.size):
        each = candidates.array.data[place]
        found[each.id] = each.logit
    return found
