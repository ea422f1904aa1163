"""Whether two answers differ by no more than the order of sums.

How a prompt is cut into steps, and what else is in a batch, changes logits in their last digits, and where
two tokens are nearly as good that decides. So a difference is allowed where the other token is within the
noise, and the noise is measured: by cutting the same prompt in other ways, in a fresh context.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from app.engine.worker.batch import Part
from tests.engine.worker.schedulerrig import SchedulerRig

CUTS = (64, 7, 1)
LENIENCE = 8.0  # the noise is a sample; tokens that are no tie are a thousand times further apart


def is_near_tie(fresh: SchedulerRig, tokens: Sequence[int], prompt: int, said: str) -> bool:
    """Tells whether `said` leaves the fresh engine's answer at a token that is as good. `tokens` are the
    fresh engine's: so many of a prompt, then of its answer."""
    one, *others = (_logits(fresh, tokens, prompt, cut) for cut in CUTS)
    noise = LENIENCE * max(float(np.abs(np.array(rows) - np.array(one)).max()) for rows in others)
    vocabulary = fresh.model.vocabulary
    left = said.encode()
    for row, token in enumerate(tokens[prompt:]):
        # White space before the first word is not shown.
        strip = bytes.lstrip if left == said.encode() and not said[:1].isspace() else bytes
        piece = strip(vocabulary.piece(token))
        if not left.startswith(piece):
            near = np.flatnonzero(one[row] >= one[row].max() - noise)
            return any(left.startswith(strip(vocabulary.piece(int(each)))) for each in near)
        left = left[len(piece) :]
    return False


def _logits(rig: SchedulerRig, tokens: Sequence[int], prompt: int, cut: int) -> list[np.ndarray]:
    """Returns the logits before each token of the answer."""
    rig.context.memory.clear(0)
    places = [*range(0, prompt, cut), *range(prompt, len(tokens) + 1)]
    rows = []
    for start, end in pairwise(places):
        assert rig.context.decode([Part(0, tokens[start:end], start)]) == 0
        if end >= prompt:
            data = rig.context.logits(end - start - 1)
            rows.append(np.frombuffer(data, dtype=np.float32).copy())
    rig.context.memory.clear(0)
    return rows
