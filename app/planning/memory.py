"""What a plan allocates, on which device: weights, KV cache, compute buffers.

Weights and KV cache follow exactly from the header. Compute buffers cannot be computed (they hang on
llama.cpp's graph and the device's kernels): `compute` estimates them, a dry run replaces the estimate. Knows
no bandwidths and does not choose; asks nothing of the machine.
"""

from __future__ import annotations

from app.domain.engine import LoadPlan
from app.domain.value import Value
from app.planning.compute import host_bytes, logits_bytes, step_bytes
from app.planning.shape import Layer, ModelShape, row_bytes

CPU = "CPU"
LEAST_STEP_TOKENS = 32  # a context takes no fewer tokens a step (`engine.worker.context`)
_PADDED_CELLS = 256


class Share(Value):
    """What one device takes. `layers` counts the output as one. `repacked` is a second copy that a CPU
    computes with while the file is mapped: the first is then only a cache that the system may drop."""

    device: str
    layers: int = 0
    weights: int = 0
    repacked: int = 0
    kv: int = 0
    compute: int = 0

    @property
    def total(self) -> int:
        """What must be free for it."""
        return self.weights + self.kv + self.compute


def shares(shape: ModelShape, plan: LoadPlan, *, repacks: bool = False) -> tuple[Share, ...]:
    """Returns what each device takes, the CPU first, then those of the plan. A plan that leaves it to
    llama.cpp how to split (several devices, no `tensor_split`) is taken to split evenly."""
    places = layer_places(shape, plan)
    devices = (CPU, *plan.devices) if any(places) else (CPU,)
    return tuple(
        _share(shape, plan, places, index, device, repacks=repacks) for index, device in enumerate(devices)
    )


def compute_bytes(shape: ModelShape, plan: LoadPlan, places: tuple[int, ...], index: int) -> int:
    """Estimates what a device computes in."""
    step, cells = step_tokens(plan, shape), context_cells(plan, shape)
    windowed = windowed_cells(plan, shape)
    if index == 0:
        answers = logits_bytes(shape, sequences(plan))
        if any(places):  # GPUs compute prompts even for layers on the CPU
            return host_bytes(shape, step, cells, windowed) + answers
        return step_bytes(shape, step, cells, windowed, sequences(plan)) + answers
    if index not in places:
        return 0
    fetched = max(
        (
            max(layer.largest_expert, 0 if place else layer.largest)
            for number, (layer, place) in enumerate(zip(shape.layers, places, strict=False))
            if not place or number < plan.cpu_expert_layers
        ),
        default=0,
    )
    return step_bytes(shape, step, cells, windowed, sequences(plan)) + fetched


def layer_places(shape: ModelShape, plan: LoadPlan) -> tuple[int, ...]:
    """Returns where each layer and, last, the output is: 0 is the CPU, 1 the plan's first device."""
    count = len(shape.layers) + 1
    wanted = 0 if plan.reference or not plan.devices else plan.gpu_layers
    offloaded = count if wanted < 0 else min(wanted, count)
    split = plan.tensor_split or (1.0,) * len(plan.devices)
    ends = _split_ends(split)
    # The first device whose share of all ends after this layer, as llama.cpp does it.
    return (0,) * (count - offloaded) + tuple(
        1 + next((i for i, end in enumerate(ends) if end > number / offloaded), len(ends) - 1)
        for number in range(offloaded)
    )


def kv_bytes(shape: ModelShape, plan: LoadPlan) -> int:
    """Returns what all of a plan's context takes, recurrent states included."""
    cells = context_cells(plan, shape)
    return sum(layer_kv(layer, plan, cells, windowed_cells(plan, shape)) for layer in shape.layers)


def layer_kv(layer: Layer, plan: LoadPlan, cells: int, windowed: int) -> int:
    a_cell = row_bytes(plan.kv_type, layer.key_width) + row_bytes(plan.kv_type, layer.value_width)
    return (windowed if layer.is_windowed else cells) * a_cell + sequences(plan) * layer.state_bytes


def context_cells(plan: LoadPlan, shape: ModelShape) -> int:
    return _padded(_context(plan, shape))


def windowed_cells(plan: LoadPlan, shape: ModelShape) -> int:
    wanted = shape.window_tokens * sequences(plan) + step_tokens(plan, shape)
    return _padded(min(context_cells(plan, shape), wanted))


def sequences(plan: LoadPlan) -> int:
    return 1 if plan.reference else max(1, plan.slots)


def step_tokens(plan: LoadPlan, shape: ModelShape) -> int:
    """Returns how many tokens a context is made to take in one step."""
    step = LEAST_STEP_TOKENS if plan.reference else max(plan.batch_tokens, LEAST_STEP_TOKENS)
    return min(max(step, sequences(plan)), _context(plan, shape))


def _share(
    shape: ModelShape,
    plan: LoadPlan,
    places: tuple[int, ...],
    index: int,
    device: str,
    *,
    repacks: bool,
) -> Share:
    mine = [number for number in range(len(shape.layers)) if places[number] == index]
    layers = [shape.layers[number] for number in mine]
    weights = sum(layer.weights for layer in layers)
    repacked = sum(layer.repacked for layer in layers)
    has_output = places[-1] == index
    if has_output:
        weights += shape.output_bytes + (shape.tied_bytes if index else 0)
        repacked += shape.output_repacked
    moved = [shape.layers[n] for n in range(min(plan.cpu_expert_layers, len(shape.layers))) if places[n]]
    if index == 0:
        weights += shape.input_bytes + sum(layer.experts for layer in moved)
        repacked += sum(layer.repacked_experts for layer in moved)
    else:
        weights -= sum(shape.layers[number].experts for number in mine if number < plan.cpu_expert_layers)
    cells, windowed = context_cells(plan, shape), windowed_cells(plan, shape)
    return Share(
        device=device,
        layers=len(mine) + has_output,
        weights=weights,
        repacked=repacked if repacks and index == 0 and plan.memory_map else 0,
        kv=sum(layer_kv(layer, plan, cells, windowed) for layer in layers),
        compute=compute_bytes(shape, plan, places, index),
    )


def _split_ends(split: tuple[float, ...]) -> tuple[float, ...]:
    whole = sum(split)
    ends, sofar = [], 0.0
    for part in split:
        sofar += part
        ends.append(sofar / whole if whole else 1.0)
    return tuple(ends)


def _context(plan: LoadPlan, shape: ModelShape) -> int:
    wanted = plan.context_tokens if plan.context_tokens > 0 else shape.trained_tokens
    return min(wanted, shape.trained_tokens) if shape.trained_tokens > 0 else wanted


def _padded(cells: int) -> int:
    return -(-cells // _PADDED_CELLS) * _PADDED_CELLS
