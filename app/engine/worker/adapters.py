"""LoRA adapters: small changes to a model's weights, from files of their own.

They are checked by llama.cpp against the model they are loaded for, and freed with it.
"""

from __future__ import annotations

import ctypes
import math
import os
from pathlib import Path
from typing import Any

from app.domain.engine import Adapter
from app.domain.notice import Action, NoticeCode
from app.engine.worker.bindings import Library
from app.engine.worker.model import Model
from app.errors import KnownError

_MAGIC = b"GGUF"


def apply_adapters(library: Library, model: Model, context: int) -> None:
    """Makes what a context computes that of the model with its plan's adapters. Raises `KnownError`
    ADAPTER_FAILED for one that is missing, no adapter, or made for another model."""
    adapters = model.plan.adapters
    if not adapters:
        return
    api = library.api
    loaded = [_loaded(library, model, adapter) for adapter in adapters]
    pointers = (ctypes.POINTER(ctypes.c_void_p) * len(loaded))(*loaded)
    scales = (ctypes.c_float * len(loaded))(*(adapter.scale for adapter in adapters))
    if api.llama_set_adapters_lora(context, pointers, len(loaded), scales) != 0:
        raise _failure(adapters[0], "llama_set_adapters_lora")


def _loaded(library: Library, model: Model, adapter: Adapter) -> Any:
    _check(adapter)
    library.log.forget()
    pointer = library.api.llama_adapter_lora_init(model.pointer, os.fsencode(adapter.path))
    if not pointer:
        raise _failure(adapter, _complaint(library.log.lines()))
    return pointer


def _check(adapter: Adapter) -> None:
    """Finds what is plainly wrong before native code reads a file of strangers."""
    if not math.isfinite(adapter.scale):
        raise _failure(adapter, f"scale {adapter.scale}")
    try:
        with Path(adapter.path).open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise _failure(adapter, error.strerror or str(error)) from error
    if magic != _MAGIC:
        raise _failure(adapter, "no GGUF")


def _complaint(lines: tuple[str, ...]) -> str:
    """Returns what llama.cpp said last."""
    said = [line.strip() for line in lines if "fail" in line or "error" in line]
    return (said or ["llama_adapter_lora_init"])[-1]


def _failure(adapter: Adapter, detail: str) -> KnownError:
    return KnownError.of(
        NoticeCode.ADAPTER_FAILED, Action.RETRY, Action.CHOOSE_MODEL, path=adapter.path, detail=detail
    )
