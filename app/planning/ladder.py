"""The ladder of safer plans: what to try when a plan killed its engine twice.

Every rung asks less of the machine than the one above it, and the ladder ends: no restart loop can run on it.
"""

from __future__ import annotations

import msgspec

from app.domain.engine import LoadPlan

SMALL_BATCH_TOKENS = 128
LEAST_CONTEXT_TOKENS = 1024
FEW_GPU_LAYERS = 4  # not worth the trip to the GPU


def safer(plan: LoadPlan) -> LoadPlan | None:
    """Returns the next rung: a smaller batch, then half the GPU layers, none, half the context; at last None.

    The batch comes first because it only costs speed in prefill; layers and context are what a person wished.
    """
    if plan.batch_tokens > SMALL_BATCH_TOKENS:
        return _changed(plan, batch_tokens=SMALL_BATCH_TOKENS)
    if plan.gpu_layers != 0:
        return _changed(plan, gpu_layers=_fewer(plan.gpu_layers))
    if plan.context_tokens > LEAST_CONTEXT_TOKENS:
        return _changed(plan, context_tokens=max(plan.context_tokens // 2, LEAST_CONTEXT_TOKENS))
    return None


def _fewer(layers: int) -> int:
    # How many layers "all" (-1) are is only known to a loaded model, so its half is not known either.
    return layers // 2 if layers > FEW_GPU_LAYERS else 0


def _changed(plan: LoadPlan, **changes: int) -> LoadPlan:
    return msgspec.structs.replace(plan, **changes)
