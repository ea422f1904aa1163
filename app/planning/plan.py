"""How a model is placed on this machine. Arithmetic on what is known before a load; knows no llama.cpp.

The estimate is coarse on purpose (a typical KV cache, a fixed reserve): a plan that is too bold fails in its
child and `ladder` makes it safer. The exact plan comes with a dry run of the header.
"""

from __future__ import annotations

import psutil

from app.domain.engine import Device, LoadPlan
from app.domain.model import Model, ModelOptions
from app.domain.value import Value

GIB = 1024**3
USUAL_CONTEXT_TOKENS = 8192
SMALL_CONTEXT_TOKENS = 4096
LITTLE_MEMORY_BYTES = 8 * GIB
LEAST_CONTEXT_TOKENS = 256
KV_BYTES_PER_TOKEN_AND_LAYER = 4096  # K and V of 8 heads of 128 in f16, as most models of 7B and more have
GPU_RESERVE_BYTES = 768 * 1024**2  # compute buffers, the driver's own, the desktop
_SOFTWARE_NAMES = ("llvmpipe", "lavapipe", "swiftshader", "softpipe", "microsoft basic render")


class Machine(Value):
    """What a plan may use. `devices` are empty until a child has reported them."""

    devices: tuple[Device, ...] = ()
    memory_bytes: int = 0


def this_machine(devices: tuple[Device, ...] = ()) -> Machine:
    return Machine(devices=devices, memory_bytes=psutil.virtual_memory().total)


def plan_for(model: Model, options: ModelOptions, machine: Machine) -> LoadPlan:
    """Returns the plan: what the person wished, else what should fit and be fast."""
    context = _context_tokens(model, options, machine)
    gpu = best_gpu(machine.devices)
    if options.gpu_layers is not None:
        layers = options.gpu_layers
    else:
        layers = _layers_that_fit(model, context, gpu) if gpu else 0
    return LoadPlan(
        model_id=model.id,
        model_path=model.path,
        context_tokens=context,
        gpu_layers=layers,
        threads=options.threads or 0,
        devices=(gpu.name,) if gpu and layers else (),
        adapters=options.adapters or (),
    )


def best_gpu(devices: tuple[Device, ...]) -> Device | None:
    """Returns the GPU with the most free memory; never a software one, an integrated one only alone."""
    real = [device for device in devices if device.kind in ("gpu", "igpu") and not is_software(device)]
    return max(real, key=lambda device: (device.kind == "gpu", device.free_bytes), default=None)


def is_software(device: Device) -> bool:
    """Tells whether a device that calls itself a GPU is the CPU in disguise (and slower than that)."""
    name = f"{device.name} {device.description}".lower()
    return any(software in name for software in _SOFTWARE_NAMES)


def kv_bytes(model: Model, context_tokens: int) -> int:
    return context_tokens * max(model.layers, 1) * KV_BYTES_PER_TOKEN_AND_LAYER


def _context_tokens(model: Model, options: ModelOptions, machine: Machine) -> int:
    has_little = 0 < machine.memory_bytes < LITTLE_MEMORY_BYTES
    usual = SMALL_CONTEXT_TOKENS if has_little else USUAL_CONTEXT_TOKENS
    wished = max(options.context_tokens or usual, LEAST_CONTEXT_TOKENS)
    return min(wished, model.context_tokens) if model.context_tokens > 0 else wished


def _layers_that_fit(model: Model, context: int, gpu: Device) -> int:
    """Counts layers, the output layer among them: a number, not "all", so that the ladder can halve it."""
    layers = max(model.layers, 1) + 1
    per_layer = (model.size_bytes + kv_bytes(model, context)) * 1.05 / layers
    return max(0, min(layers, int((gpu.free_bytes - GPU_RESERVE_BYTES) / max(per_layer, 1))))
