"""One model under one setting (context, KV type, batch) as sums over layers: what any layout of it takes and
costs.

All bytes are prefix sums, so that a search may try hundreds of layouts in a millisecond. A layout is a
number of layers on GPUs (from the last), where each GPU's end, and how many of the first layers leave their
experts on the CPU.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from itertools import accumulate

from app.domain.engine import LoadPlan
from app.domain.value import Value
from app.planning.budget import Budget
from app.planning.compute import host_bytes, logits_bytes, step_bytes
from app.planning.memory import context_cells, layer_kv, sequences, step_tokens, windowed_cells
from app.planning.shape import ModelShape
from app.planning.speed import CONTEXT_TOKENS, STEP_SECONDS


class Layout(Value):
    """`ends` are the layers (exclusive, the output being the last) where each GPU's part ends."""

    start: int
    ends: tuple[int, ...]
    cpu_expert_layers: int
    seconds: float  # a token
    is_over_gpu: bool = False
    is_over_ram: bool = False

    @property
    def fits(self) -> bool:
        return not self.is_over_gpu and not self.is_over_ram

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """The lower, the better. RAM may run over (a mapped file is read again and again, slowly); a GPU
        fails."""
        return (self.is_over_gpu, self.is_over_ram, self.seconds)


class Sums:
    """What a setting costs, by ranges of layers."""

    def __init__(self, shape: ModelShape, plan: LoadPlan) -> None:
        step, cells = step_tokens(plan, shape), context_cells(plan, shape)
        windowed = windowed_cells(plan, shape)
        self.shape = shape
        self.count = len(shape.layers) + 1
        output = shape.output_bytes + shape.tied_bytes
        caches = [layer_kv(layer, plan, cells, windowed) for layer in shape.layers]
        self._dense = _sums([*(layer.weights - layer.experts for layer in shape.layers), output])
        self._experts = _sums([*(layer.experts for layer in shape.layers), 0])
        self._caches = _sums([*caches, 0])
        self._read = _sums([*(_read_bytes(shape, plan, index) for index in range(self.count - 1)), output])
        self._compute = step_bytes(shape, step, cells, windowed, sequences(plan))
        answers = logits_bytes(shape, sequences(plan))
        self._host_compute = host_bytes(shape, step, cells, windowed) + answers
        self._alone_compute = self._compute + answers
        self._fetched = list(accumulate((layer.largest for layer in shape.layers), max, initial=0))
        self._fetched_experts = list(
            accumulate((layer.largest_expert for layer in shape.layers), max, initial=0)
        )
        self._share = shape.experts_used / shape.experts if shape.experts else 1.0

    def lay(
        self, layers: int, experts: int, ram: Budget, gpus: Sequence[Budget], extra: Sequence[int]
    ) -> Layout:
        """Fills the GPUs one after the other; what the last cannot hold makes a layout that does not fit.
        `extra` is what each takes beyond the estimate."""
        start = self.count - layers
        at, ends, is_over, seconds, shared = start, [], False, 0.0, 0
        for index, gpu in enumerate(gpus):
            is_last = index == len(gpus) - 1
            room = gpu.bytes - self.gpu_compute(start, experts) - extra[index]
            end = self._end(at, experts, room)
            if is_last and end < self.count:
                is_over, end = True, self.count
            ends.append(end)
            if end > at:
                seconds += self._read_seconds(at, end, experts, gpu.bandwidth) + STEP_SECONDS
                taken = self.gpu_bytes(at, end, experts) + self.gpu_compute(start, experts)
                shared += taken if gpu.is_shared else 0
            at = end
        seconds += self._cpu_seconds(start, experts, ram.bandwidth)
        return Layout(
            start=start,
            ends=tuple(ends),
            cpu_expert_layers=experts,
            seconds=seconds,
            is_over_gpu=is_over,
            is_over_ram=self.ram_bytes(start, experts) + shared > ram.bytes,
        )

    def gpu_bytes(self, start: int, end: int, experts: int) -> int:
        """Weights and cache of a range of layers on a GPU."""
        first = min(max(start, experts), end)
        return (
            self._dense[end]
            - self._dense[start]
            + self._experts[end]
            - self._experts[first]
            + self._caches[end]
            - self._caches[start]
        )

    def gpu_compute(self, start: int, experts: int) -> int:
        fetched = max(
            self._fetched[min(start, self.count - 1)],
            self._fetched_experts[min(max(start, experts), self.count - 1)],
        )
        return self._compute + fetched

    def ram_bytes(self, start: int, experts: int) -> int:
        """All that the CPU takes when layers from `start` on are on GPUs."""
        moved = self._experts[max(start, min(experts, self.count - 1))]
        weights = self.shape.input_bytes + self._dense[start] + moved
        if start == self.count:
            weights -= self.shape.tied_bytes
        compute = self._alone_compute if start == self.count else self._host_compute
        return weights + self._caches[start] + compute

    def least(self) -> int:
        """What no layout can do without, all devices together."""
        weights = self.shape.input_bytes - self.shape.tied_bytes
        return weights + self._dense[-1] + self._experts[-1] + self._caches[-1]

    def everything(self) -> int:
        """What one GPU needs for all layers."""
        return self.gpu_bytes(0, self.count, 0) + self.gpu_compute(0, 0)

    def _end(self, start: int, experts: int, room: int) -> int:
        """Returns how far a GPU with so much room gets."""
        if room < 0:
            return start
        return (
            bisect.bisect_right(
                range(start, self.count + 1), room, key=lambda end: self.gpu_bytes(start, end, experts)
            )
            + start
            - 1
        )

    def _read_seconds(self, start: int, end: int, experts: int, pace: float) -> float:
        first = min(max(start, experts), end)
        active = (self._experts[end] - self._experts[first]) * self._share
        return (self._read[end] - self._read[start] + active) / pace

    def _cpu_seconds(self, start: int, experts: int, pace: float) -> float:
        moved = self._experts[max(start, min(experts, self.count - 1))] * self._share
        read = self._read[start] + moved
        return read / pace + (STEP_SECONDS if read else 0.0)


def _read_bytes(shape: ModelShape, plan: LoadPlan, index: int) -> int:
    """What a token reads of a layer but for its experts. A quantized cache is smaller but takes unpacking: it
    counts like a plain one."""
    layer = shape.layers[index]
    cells = min(CONTEXT_TOKENS, context_cells(plan, shape))
    if layer.is_windowed:
        cells = min(cells, shape.window_tokens)
    cache = 2 * cells * (layer.key_width + layer.value_width) + layer.state_bytes
    return layer.weights - layer.experts + cache


def _sums(numbers: Sequence[int]) -> list[int]:
    return list(accumulate(numbers, initial=0))
