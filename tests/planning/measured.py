"""Compares what is predicted with what a real engine child then took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.domain.engine import Buffer, BufferKind, LoadPlan
from app.models.gguf import GgufHeader
from app.planning.memory import shares
from app.planning.shape import shape_of

ALLOWED = 0.03  # design section 6


def taken(buffers: Iterable[Buffer], *kinds: BufferKind) -> int:
    return sum(buffer.size_bytes for buffer in buffers if buffer.kind in kinds)


def predicted(headers: Sequence[GgufHeader], plan: LoadPlan, measured: Sequence[Buffer]) -> dict[str, int]:
    """Returns bytes of each sort on the CPU: compute buffers as the dry run says, all else from the
    header."""
    repacks = any(buffer.kind is BufferKind.REPACKED for buffer in measured)
    share = shares(shape_of(headers), plan, repacks=repacks)[0]
    compute = taken(measured, BufferKind.COMPUTE, BufferKind.OUTPUT)
    return {"weights": share.weights, "repacked": share.repacked, "kv": share.kv, "compute": compute}


def allocated(buffers: Sequence[Buffer]) -> dict[str, int]:
    return {
        "weights": taken(buffers, BufferKind.WEIGHTS),
        "repacked": taken(buffers, BufferKind.REPACKED),
        "kv": taken(buffers, BufferKind.KV),
        "compute": taken(buffers, BufferKind.COMPUTE, BufferKind.OUTPUT),
    }
