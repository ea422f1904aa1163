"""How a model is placed on this machine, in one call: the header if it can be read, and the search."""

from __future__ import annotations

import psutil

from app.domain.engine import Device, LoadPlan
from app.domain.model import Model, ModelOptions
from app.planning.budget import is_software
from app.planning.placement import Machine
from app.planning.planner import Planner
from app.planning.shape import GUESSED_KV_BYTES

__all__ = ["Machine", "best_gpu", "kv_bytes", "plan_for", "this_machine"]


def this_machine(devices: tuple[Device, ...] = ()) -> Machine:
    memory = psutil.virtual_memory()
    return Machine(devices=devices, memory_bytes=memory.total, available_bytes=memory.available)


def plan_for(model: Model, options: ModelOptions, machine: Machine) -> LoadPlan:
    """Returns the plan: what the person wished, else what fits and is fast."""
    return Planner().plan(model, options, machine)


def best_gpu(devices: tuple[Device, ...]) -> Device | None:
    """Returns the GPU with the most free memory; never a software one, an integrated one only alone."""
    real = [device for device in devices if device.kind in ("gpu", "igpu") and not is_software(device)]
    return max(real, key=lambda device: (device.kind == "gpu", device.free_bytes), default=None)


def kv_bytes(model: Model, context_tokens: int) -> int:
    """Guesses a KV cache where there is no header to ask."""
    return context_tokens * max(model.layers, 1) * GUESSED_KV_BYTES
