"""The search for a plan: the fastest that fits, with something kept free.

Pure arithmetic over a shape and a table of devices. What a person set is never changed. By itself the
context stays the usual one and the cache plain f16; a smaller step or a q8_0 cache is taken where that
brings everything onto the GPUs, a shorter context where nothing else fits. More memory never makes a plan
slower, for the same context and cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from app.domain.engine import Device, LoadPlan
from app.domain.model import ModelOptions
from app.domain.value import Value
from app.planning.budget import Budget, gpu_budgets, ram_budget
from app.planning.layout import Layout, Sums
from app.planning.shape import KV_TYPES, ModelShape

USUAL_CONTEXT_TOKENS = 8192
SMALL_CONTEXT_TOKENS = 4096
LEAST_CONTEXT_TOKENS = 256
SHORT_CONTEXT_TOKENS = 1024  # no shorter by itself
LITTLE_MEMORY_BYTES = 8 * 1024**3
USUAL_BATCH_TOKENS = 512
SMALL_BATCH_TOKENS = 128
PLAIN_CACHE, SMALL_CACHE = "f16", "q8_0"


class Machine(Value):
    """What a plan may use. `devices` are empty until a child has reported them. `memory_bytes` is all RAM,
    `available_bytes` what of it models may have; `bandwidths` are bytes a second that were measured, by
    device."""

    devices: tuple[Device, ...] = ()
    memory_bytes: int = 0
    available_bytes: int = 0
    bandwidths: dict[str, float] = {}


class Found(Value):
    """What the search found: the plan and where it puts what."""

    plan: LoadPlan
    layout: Layout
    ram: Budget
    gpus: tuple[Budget, ...] = ()  # that it uses; those with no layer are left out of the plan
    missing_bytes: int = 0  # that all GPUs together lack for everything

    @property
    def is_whole(self) -> bool:
        """Whether all of the model is on GPUs."""
        return self.layout.fits and self.layout.start == 0 and not self.layout.cpu_expert_layers


def search(
    shape: ModelShape,
    wished: LoadPlan,
    options: ModelOptions,
    machine: Machine,
    extra: Mapping[str, int] | None = None,
) -> Found:
    """Returns the best plan like `wished` (which has the model and what is not searched for). `extra` are
    bytes that a device takes beyond the estimate, as a dry run found."""
    gpus = _gpus(options, machine)
    ram = ram_budget(machine.devices, machine.memory_bytes, machine.available_bytes, machine.bandwidths)
    beyond = extra or {}

    def best(plan: LoadPlan, sums: Sums, *, is_whole: bool = False) -> Found:
        return _found(
            plan, _best(sums, options, ram, gpus, beyond, is_whole=is_whole), sums, ram, gpus, options
        )

    usual: Found | None = None
    for context in _contexts(shape, options, machine):
        settings = [(plan, Sums(shape, plan)) for plan in _settings(shape, wished, options, context)]
        found = best(*settings[0])
        usual = usual or found
        if found.is_whole or (found.layout.fits and not gpus):
            return found
        wholes = (best(*setting, is_whole=True) for setting in settings[1:] if gpus)
        whole = next((other for other in wholes if other.is_whole), None)
        if whole is not None and options.gpu_layers is None and options.cpu_expert_layers is None:
            return whole
        room = ram.bytes + sum(gpu.bytes for gpu in gpus if not gpu.is_shared)
        others = (best(*setting) for setting in settings[1:] if setting[1].least() <= room)
        fitting = found if found.layout.fits else next((o for o in others if o.layout.fits), None)
        if fitting is not None:
            return fitting
    assert usual is not None
    return usual  # a shorter context would not save it


def _gpus(options: ModelOptions, machine: Machine) -> tuple[Budget, ...]:
    if options.gpu_layers == 0:
        return ()
    gpus = gpu_budgets(machine.devices, options.devices, machine.bandwidths)
    if not gpus and options.gpu_layers and options.devices is None:
        # Asked for in so many words, a software device is a device.
        names = [device.name for device in machine.devices if device.kind in ("gpu", "igpu")]
        return gpu_budgets(machine.devices, names, machine.bandwidths)
    return gpus


def _contexts(shape: ModelShape, options: ModelOptions, machine: Machine) -> Iterator[int]:
    trained = shape.trained_tokens or 2**31
    if options.context_tokens is not None:
        yield min(max(options.context_tokens, LEAST_CONTEXT_TOKENS), trained)
        return
    has_little = 0 < machine.memory_bytes < LITTLE_MEMORY_BYTES
    context = SMALL_CONTEXT_TOKENS if has_little else USUAL_CONTEXT_TOKENS
    yield min(context, trained)
    while context > SHORT_CONTEXT_TOKENS:
        context //= 2
        if context < trained:
            yield context


def _settings(shape: ModelShape, wished: LoadPlan, options: ModelOptions, context: int) -> Iterator[LoadPlan]:
    """Yields plans to try: as usual, then with what takes less. A cache that does not divide into blocks is
    left."""
    caches = [options.kv_type] if options.kv_type else [PLAIN_CACHE]
    if not options.kv_type and shape.cached_layers and shape.head_values % KV_TYPES[SMALL_CACHE].block == 0:
        caches.append(SMALL_CACHE)
    batches = [options.batch_tokens] if options.batch_tokens else [USUAL_BATCH_TOKENS, SMALL_BATCH_TOKENS]
    for cache in caches:
        for batch in batches:
            yield msgspec.structs.replace(wished, context_tokens=context, kv_type=cache, batch_tokens=batch)


def _best(
    sums: Sums,
    options: ModelOptions,
    ram: Budget,
    gpus: Sequence[Budget],
    extra: Mapping[str, int],
    *,
    is_whole: bool,
) -> Layout:
    """Returns the fastest layout that fits, over as few of the first GPUs as can do it; else the nearest to
    fitting. `is_whole` looks at those only that have everything on GPUs."""
    least = 1 if options.gpu_layers and gpus else 0
    counts = [len(gpus)] if options.devices is not None else range(least, len(gpus) + 1)
    best: Layout | None = None
    for used in counts:
        some = gpus[:used]
        beyond = [extra.get(gpu.device.name, 0) for gpu in some]
        pairs = [(sums.count, 0)] if is_whole and some else _candidates(sums, options, bool(some))
        for layers, experts in pairs:
            layout = sums.lay(layers, experts, ram, some, beyond)
            if best is None or layout.rank < best.rank:
                best = layout
    assert best is not None
    return best


def _candidates(sums: Sums, options: ModelOptions, has_gpu: bool) -> Iterator[tuple[int, int]]:
    """Yields numbers of layers on GPUs and of layers whose experts stay on the CPU."""
    blocks = sums.count - 1
    if not has_gpu:
        yield 0, 0
        return
    chosen, wished = options.gpu_layers, options.cpu_expert_layers
    has_experts = bool(sums.shape.expert_bytes)
    every = [min(wished, blocks)] if wished is not None else range(blocks + 1 if has_experts else 1)
    if chosen is not None:
        layers = sums.count if chosen < 0 else min(chosen, sums.count)
        yield from ((layers, experts) for experts in every)
        return
    yield from ((sums.count, experts) for experts in every)
    most = every[-1]
    yield from ((layers, most) for layers in range(sums.count))


def _found(
    plan: LoadPlan,
    layout: Layout,
    sums: Sums,
    ram: Budget,
    gpus: Sequence[Budget],
    options: ModelOptions,
) -> Found:
    bounds = zip((layout.start, *layout.ends), layout.ends, strict=False)
    parts = [(gpu, end - start) for gpu, (start, end) in zip(gpus, bounds, strict=False) if end > start]
    used = tuple(gpu for gpu, _layers in parts)
    missing = sums.everything() - sum(gpu.bytes for gpu in gpus)
    # Where no device is known, llama.cpp finds one for what a person asked for.
    layers = sum(layers for _gpu, layers in parts) if gpus else options.gpu_layers or 0
    return Found(
        plan=msgspec.structs.replace(
            plan,
            gpu_layers=layers,
            devices=tuple(gpu.device.name for gpu in used),
            tensor_split=tuple(float(layers) for _gpu, layers in parts) if len(parts) > 1 else (),
            cpu_expert_layers=layout.cpu_expert_layers if used else 0,
        ),
        layout=layout,
        ram=ram,
        gpus=used,
        missing_bytes=max(0, missing) if gpus else 0,
    )
