"""How a model that is not here yet would run here: the planner's own search, on its size and shape.

Rough where the catalogue knows no shape, and before the header has been read: layers are taken to be alike.
What other programs use just now does not count, because a download is for longer.
"""

from __future__ import annotations

import msgspec

from app.domain.catalogue import CatalogueModel, CatalogueShape, Fit, Verdict
from app.domain.model import Model, ModelOptions
from app.planning.memory import kv_bytes
from app.planning.placement import search
from app.planning.plan import Machine
from app.planning.planner import wished_plan
from app.planning.shape import ModelShape, guessed_shape

_USUAL_LAYERS = 32


def fit(size_bytes: int, shape: CatalogueShape | None, machine: Machine) -> Fit:
    """Returns where a file of that size would run. Without a shape it is taken to have a usual one."""
    layers = shape.layers if shape is not None else _USUAL_LAYERS
    model = Model(id="", name="", path="", size_bytes=size_bytes, layers=layers)
    known = _shaped(guessed_shape(model), shape)
    whole = msgspec.structs.replace(machine, available_bytes=0)
    found = search(known, wished_plan(model, ModelOptions()), ModelOptions(), whole)
    needs = size_bytes + kv_bytes(known, found.plan)
    if not found.layout.fits:
        return Fit(verdict=Verdict.TOO_LARGE, needs_bytes=needs)
    # An integrated GPU reads the memory that the processor reads, and no faster.
    cards = {device.name for device in machine.devices if device.kind == "gpu"}
    if not cards.intersection(found.plan.devices):
        return Fit(verdict=Verdict.CPU, needs_bytes=needs)
    return Fit(verdict=Verdict.GPU if found.is_whole else Verdict.PARTLY_GPU, needs_bytes=needs)


def bytes_a_token(model: CatalogueModel, size_bytes: int) -> int:
    """Returns how much is read for each token: speed is memory's bandwidth divided by it."""
    return size_bytes * model.shape.active_parameters // model.shape.parameters


def _shaped(guessed: ModelShape, shape: CatalogueShape | None) -> ModelShape:
    if shape is None:
        return guessed
    width = shape.kv_heads * shape.head_size
    layers = tuple(
        msgspec.structs.replace(layer, key_width=width, value_width=width) for layer in guessed.layers
    )
    return msgspec.structs.replace(guessed, layers=layers, trained_tokens=shape.context_tokens)
