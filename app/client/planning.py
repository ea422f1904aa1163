"""The question how a model would be placed on this machine, and the answer; part of `protocol`."""

from __future__ import annotations

from app.domain.model import ModelOptions
from app.domain.placement import Placement
from app.domain.value import Value


class PlanModel(Value, tag=True):
    """Replies with the PlanReply of a load with these options, as memory is now. Nothing is loaded;
    llama.cpp is asked what it would take, which is a second or two at most. `options` None: as saved with
    the model."""

    model_id: str
    options: ModelOptions | None = None


class PlanReply(Value, tag=True):
    placement: Placement
