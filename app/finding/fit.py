"""How a model that is not here yet would run on this machine, from its size alone.

As coarse as `planning.plan`, whose figures these are: what is exact needs the model's header.
"""

from __future__ import annotations

from app.domain.catalogue import CatalogueModel, CatalogueShape, Fit, Verdict
from app.domain.model import Model, ModelOptions
from app.planning.plan import Machine, best_gpu, kv_bytes, plan_for

# What the system and other programs leave of memory.
_FREE_SHARE = 0.8
_UNKNOWN_SHAPE = CatalogueShape(
    parameters=0, active_parameters=0, layers=32, kv_heads=8, head_size=128, context_tokens=0
)


def fit(size_bytes: int, shape: CatalogueShape | None, machine: Machine) -> Fit:
    """Returns where a file of that size would run. Without a shape it is taken to have a usual one."""
    known = shape or _UNKNOWN_SHAPE
    model = Model(
        id="",
        name="",
        path="",
        size_bytes=size_bytes,
        layers=known.layers,
        context_tokens=known.context_tokens,
    )
    plan = plan_for(model, ModelOptions(), machine)
    needs = size_bytes + kv_bytes(model, plan.context_tokens)
    gpu = best_gpu(machine.devices)
    room = int(machine.memory_bytes * _FREE_SHARE)
    if gpu is not None and plan.gpu_layers > known.layers:
        return Fit(verdict=Verdict.GPU, needs_bytes=needs)
    if gpu is not None and plan.gpu_layers and gpu.kind == "gpu" and needs <= room + gpu.free_bytes:
        return Fit(verdict=Verdict.PARTLY_GPU, needs_bytes=needs)
    return Fit(verdict=Verdict.CPU if needs <= room else Verdict.TOO_LARGE, needs_bytes=needs)


def bytes_a_token(model: CatalogueModel, size_bytes: int) -> int:
    """Returns how much is read for each token: speed is memory's bandwidth divided by it."""
    return size_bytes * model.shape.active_parameters // model.shape.parameters
