"""How large a step may be in reference mode, where the same prompt must give the same bits.

Whether a result depends on how a prompt was cut into steps is a matter of the model's quantization and of
llama.cpp's kernels for it (some take another road from four rows on). So it is tried, not assumed.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.worker.batch import Part
from app.engine.worker.context import REFERENCE_TOKENS, Context

_CUTS = ((8,), (1,) * 8, (3, 5))


def exact_step_tokens(context: Context, vocabulary_size: int) -> int:
    """Returns the largest step that gives the bits of single tokens: REFERENCE_TOKENS or 1. Leaves the
    context empty."""
    tokens = [vocabulary_size * (row + 1) // 10 for row in range(8)]
    results = {_logits_after(context, tokens, cut) for cut in _CUTS}
    context.memory.clear(0)
    return REFERENCE_TOKENS if len(results) == 1 else 1


def _logits_after(context: Context, tokens: list[int], cut: Sequence[int]) -> bytes:
    context.memory.clear(0)
    position = 0
    for size in cut:
        context.decode([Part(0, tokens[position : position + size], position)])
        position += size
    return context.logits()
