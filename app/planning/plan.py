"""How a model is placed on this machine, in one call: the header if it can be read, and the search."""

from __future__ import annotations

import psutil

from app.domain.engine import Device, LoadPlan
from app.domain.model import Model, ModelOptions
from app.planning.placement import Machine
from app.planning.planner import Planner

__all__ = ["Machine", "plan_for", "this_machine"]


def this_machine(devices: tuple[Device, ...] = ()) -> Machine:
    memory = psutil.virtual_memory()
    return Machine(devices=devices, memory_bytes=memory.total, available_bytes=memory.available)


def plan_for(model: Model, options: ModelOptions, machine: Machine) -> LoadPlan:
    """Returns the plan: what the person wished, else what fits and is fast."""
    return Planner().plan(model, options, machine)
