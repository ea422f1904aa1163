"""llama.cpp as this child uses it: loaded once, checked to be the one this code was written for.

The only module that opens native libraries; everything else goes through `Library.api` (the low-level
functions of llama-cpp-python) and the few ggml functions here. Knows nothing of models.
"""

from __future__ import annotations

import ctypes
import logging
import os
import re
from pathlib import Path
from typing import Any

from app.domain.engine import Device
from app.domain.notice import Notice, NoticeCode
from app.engine.worker.nativelog import NativeLog

log = logging.getLogger(__name__)

VERSION = "0.3.36"
_FOREIGN = ("GGML_BACKEND_PATH", "LLAMA_CPP_LIB_PATH")  # both would load code that is not ours
_SIZES = {"llama_model_params": 80, "llama_context_params": 160, "llama_batch": 56}
_GGML_NAMES = ("libggml.so.0", "libggml.so", "libggml.0.dylib", "libggml.dylib", "ggml.dll")
_BASE_NAMES = (
    "libggml-base.so.0",
    "libggml-base.so",
    "libggml-base.0.dylib",
    "libggml-base.dylib",
    "ggml-base.dll",
)
# Plug-ins that compute on something else than a GPU of this machine.
_NO_GPU_PLUGIN = re.compile(r"(?:lib)?ggml-(?:base|blas|cpu|rpc)\b.*")
_KINDS = {0: "cpu", 1: "gpu", 2: "igpu", 3: "accel", 4: "meta"}
_Pointer = ctypes.c_void_p
_Size = ctypes.c_size_t


class Library:
    """The loaded llama.cpp. `build` is "dynamic" when its backends are plug-ins and "plain" when they are
    compiled in. `mismatch` says in what it differs from the version this code was written for."""

    def __init__(self) -> None:
        forget_foreign_code()
        # Here and not at the top: standard output must be out of native code's reach first.
        import llama_cpp
        import llama_cpp.llama_cpp as api

        self.api: Any = api
        self.version: str = llama_cpp.__version__
        self.log = NativeLog()
        # ctypes does not keep a callback alive for C: this reference does.
        self._log_callback = api.llama_log_callback(self.log.receive)
        api.llama_log_set(self._log_callback, None)
        self._folder = Path(llama_cpp.__file__).resolve().parent / "lib"
        self._ggml = _declared(_open(self._folder, _GGML_NAMES), _GGML_FUNCTIONS)
        self._base = _declared(_open(self._folder, _BASE_NAMES), _BASE_FUNCTIONS)
        self.mismatch = _mismatch(api, self.version)
        self.build = self._load_backends(self._folder)
        api.llama_backend_init()

    def devices(self) -> tuple[Device, ...]:
        """Returns what a model can be placed on. Software Vulkan drivers are only among them when
        GGML_VK_VISIBLE_DEVICES names them."""
        return tuple(self._describe(self._ggml.ggml_backend_dev_get(i)) for i in range(self._device_count()))

    def why_no_gpu(self) -> Notice | None:
        """Returns why no model can be placed on a GPU here; None when one can."""
        if any(device.kind in ("gpu", "igpu") for device in self.devices()):
            return None
        plugins = gpu_plugins(self._folder)
        if not plugins and not self._knows_gpus():
            return Notice(code=NoticeCode.GPU_NOT_BUILT_IN)
        for plugin in plugins:
            # ggml passes over what it cannot load without a word that reaches us.
            if fault := _load_fault(plugin):
                return Notice(code=NoticeCode.GPU_LIBRARY_MISSING, facts={"detail": fault})
        return Notice(code=NoticeCode.GPU_NOT_FOUND)

    def device_pointer(self, name: str) -> int | None:
        pointer: int | None = self._ggml.ggml_backend_dev_by_name(name.encode())
        return pointer

    def cpu_buffers(self) -> int:
        """Returns the type of the CPU's buffers, the one that llama.cpp compares with."""
        pointer: int = self._base.ggml_backend_cpu_buffer_type()
        return pointer

    def close(self) -> None:
        self.api.llama_backend_free()
        # What native code says after this must not reach a Python that is going away.
        self.api.llama_log_set(self.api.llama_log_callback(), None)

    def _load_backends(self, folder: Path) -> str:
        if self._ggml.ggml_backend_reg_count() > 0:
            return "plain"
        # Without a folder ggml would also search the current directory and run what lies there.
        self._ggml.ggml_backend_load_all_from_path(os.fsencode(folder))
        if self._device_count() == 0 and self.mismatch is None:
            self.mismatch = "no compute backend could be loaded"
        return "dynamic"

    def _knows_gpus(self) -> bool:
        """Says whether support for GPUs was compiled in, as in a plain build with CUDA."""
        registered = (
            _text(self._base.ggml_backend_reg_name(self._ggml.ggml_backend_reg_get(i)))
            for i in range(self._ggml.ggml_backend_reg_count())
        )
        return any(name not in ("CPU", "BLAS", "RPC") for name in registered)

    def _device_count(self) -> int:
        return int(self._ggml.ggml_backend_dev_count())

    def _describe(self, device: int) -> Device:
        free, total = _Size(), _Size()
        self._base.ggml_backend_dev_memory(device, free, total)
        return Device(
            name=_text(self._base.ggml_backend_dev_name(device)),
            description=_text(self._base.ggml_backend_dev_description(device)),
            kind=_KINDS.get(self._base.ggml_backend_dev_type(device), "accel"),
            total_bytes=total.value,
            free_bytes=free.value,
        )


_GGML_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "ggml_backend_reg_count": (_Size, []),
    "ggml_backend_reg_get": (_Pointer, [_Size]),
    "ggml_backend_dev_count": (_Size, []),
    "ggml_backend_dev_get": (_Pointer, [_Size]),
    "ggml_backend_dev_by_name": (_Pointer, [ctypes.c_char_p]),
    "ggml_backend_load_all_from_path": (None, [ctypes.c_char_p]),
}
_BASE_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "ggml_backend_reg_name": (ctypes.c_char_p, [_Pointer]),
    "ggml_backend_dev_name": (ctypes.c_char_p, [_Pointer]),
    "ggml_backend_dev_description": (ctypes.c_char_p, [_Pointer]),
    "ggml_backend_dev_type": (ctypes.c_int, [_Pointer]),
    "ggml_backend_cpu_buffer_type": (_Pointer, []),
    "ggml_backend_dev_memory": (None, [_Pointer, ctypes.POINTER(_Size), ctypes.POINTER(_Size)]),
}


def forget_foreign_code() -> None:
    for name in _FOREIGN:
        os.environ.pop(name, None)


def gpu_plugins(folder: Path) -> list[Path]:
    """Returns the plug-ins in a folder that compute on GPUs."""
    found = (
        path for path in sorted(folder.glob("*ggml-*")) if ".so" in path.suffixes or path.suffix == ".dll"
    )
    return [path for path in found if not _NO_GPU_PLUGIN.fullmatch(path.name)]


def _load_fault(library: Path) -> str:
    """Returns what the system says against loading a library; nothing when it can be loaded."""
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        # In the frozen app the system's words are the cause: its loader puts a guess of its own before them.
        return str(error.__cause__ or error)
    return ""


def _open(folder: Path, names: tuple[str, ...]) -> ctypes.CDLL:
    # The first name is the one already mapped as libllama's dependency; wheels keep no symbolic links, so
    # another name can be a second copy with a registry of its own.
    for name in names:
        if (folder / name).exists():
            return ctypes.CDLL(str(folder / name))
    raise OSError(f"none of {', '.join(names)} beside llama.cpp")


def _declared(library: ctypes.CDLL, functions: dict[str, tuple[Any, list[Any]]]) -> ctypes.CDLL:
    for name, (result, arguments) in functions.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


def _mismatch(api: Any, version: str) -> str | None:
    """Compares what the structures of this library look like with what this code writes into them: a
    difference would be silent memory corruption."""
    if version != VERSION:
        return f"llama-cpp-python {version}, expected {VERSION}"
    for name, expected in _SIZES.items():
        size = ctypes.sizeof(getattr(api, name))
        if size != expected:
            return f"{name} has {size} bytes, expected {expected}"
    context, model = api.llama_context_default_params(), api.llama_model_default_params()
    found = (context.n_batch, context.n_ubatch, context.type_k, context.flash_attn_type, model.load_mode)
    expected_values = (2048, 512, 1, -1, -1)
    return None if found == expected_values else f"defaults {found}, expected {expected_values}"


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")
