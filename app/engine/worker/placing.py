"""How a plan's words on layers and devices become llama.cpp's parameters."""

from __future__ import annotations

import ctypes
from typing import Any

from app.domain.engine import LoadPlan
from app.domain.notice import Action, NoticeCode
from app.engine.worker.bindings import Library
from app.errors import KnownError


class _Override(ctypes.Structure):
    """llama.h's `llama_model_tensor_buft_override`, which the bindings leave out."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buft", ctypes.c_void_p))


def uses_gpu(plan: LoadPlan) -> bool:
    return plan.gpu_layers != 0 and not plan.reference


def parameters_of(library: Library, plan: LoadPlan) -> tuple[Any, list[Any]]:
    """Returns the parameters and what they point to, which must live until the model is loaded. Raises
    `KnownError` when a device is not there."""
    parameters = library.api.llama_model_default_params()
    parameters.check_tensors = plan.check_tensors
    parameters.vocab_only = plan.vocab_only
    parameters.use_extra_bufts = not plan.reference
    if not plan.memory_map:
        parameters.load_mode = library.api.LLAMA_LOAD_MODE_NONE
    parameters.n_gpu_layers = plan.gpu_layers if uses_gpu(plan) else 0
    kept: list[Any] = []
    devices = [_device(library, name) for name in plan.devices] if uses_gpu(plan) else []
    if devices or not uses_gpu(plan):
        # An empty list is the only thing that keeps llama.cpp off every GPU; NULL would mean "all".
        array = (ctypes.c_void_p * (len(devices) + 1))(*devices, None)
        parameters.devices = ctypes.cast(array, ctypes.c_void_p)
        kept.append(array)
    if plan.tensor_split and len(plan.tensor_split) == len(devices):
        # llama.cpp reads as many as there can be devices, whatever their number.
        split = (ctypes.c_float * library.api.llama_max_devices())(*plan.tensor_split)
        parameters.tensor_split = ctypes.cast(split, type(parameters.tensor_split))
        kept.append(split)
    if plan.cpu_expert_layers and uses_gpu(plan):
        overrides = _overrides(library, plan.cpu_expert_layers)
        parameters.tensor_buft_overrides = ctypes.cast(overrides, ctypes.c_void_p)
        kept.append(overrides)
    return parameters, kept


def experts_pattern(layers: int) -> bytes:
    """Returns the regular expression (ECMAScript) of the experts' names in the first so many layers."""
    numbers = b"|".join(b"%d" % layer for layer in range(layers))
    return rb"^blk\.(?:%s)\.ffn_(?:up|down|gate|gate_up)_(?:ch|)exps" % numbers


def _overrides(library: Library, layers: int) -> Any:
    last = _Override(None, None)
    return (_Override * 2)(_Override(experts_pattern(layers), library.cpu_buffers()), last)


def _device(library: Library, name: str) -> int:
    pointer = library.device_pointer(name)
    if pointer is None:
        raise KnownError.of(
            NoticeCode.ENGINE_DRIVER_FAILED, Action.CHOOSE_MODEL, Action.RETRY, detail=f"no device {name}"
        )
    return pointer
