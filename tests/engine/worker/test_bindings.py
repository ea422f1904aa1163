from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.domain.engine import Device
from app.domain.notice import NoticeCode
from app.engine.worker import bindings
from app.engine.worker.bindings import VERSION

pytestmark = pytest.mark.llama


def test_it_is_the_library_this_code_was_written_for(library):
    assert library.mismatch is None
    assert library.version == VERSION


def test_it_knows_how_it_was_built(library):
    import llama_cpp

    plugins = list((Path(llama_cpp.__file__).parent / "lib").glob("*ggml-cpu-*"))
    assert library.build == ("dynamic" if plugins else "plain")


def test_the_processor_is_a_device_with_memory(library):
    processor = next(device for device in library.devices() if device.kind == "cpu")
    assert processor.total_bytes >= processor.free_bytes > 1024**2
    assert library.device_pointer(processor.name)
    assert library.device_pointer("no such device") is None


def test_no_software_driver_is_taken_for_a_gpu(library):
    assert "GGML_VK_VISIBLE_DEVICES" not in os.environ
    assert not [device for device in library.devices() if "llvmpipe" in device.description]


def test_foreign_code_is_not_loaded(monkeypatch):
    for name in bindings._FOREIGN:
        monkeypatch.setenv(name, "/nonexistent")
    bindings.forget_foreign_code()
    assert not [name for name in bindings._FOREIGN if name in os.environ]


def test_a_difference_in_the_abi_is_noticed(library, monkeypatch):
    assert bindings._mismatch(library.api, "0.3.35") == f"llama-cpp-python 0.3.35, expected {VERSION}"
    monkeypatch.setitem(bindings._SIZES, "llama_context_params", 168)
    assert bindings._mismatch(library.api, VERSION) == "llama_context_params has 160 bytes, expected 168"


def test_a_difference_in_the_defaults_is_noticed(library, monkeypatch):
    class Parameters:
        n_batch = n_ubatch = type_k = flash_attn_type = load_mode = 7

    monkeypatch.setattr(library.api, "llama_context_default_params", Parameters)
    assert "defaults (7, 7, 7, 7" in str(bindings._mismatch(library.api, VERSION))


def test_a_library_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="none of"):
        bindings._open(tmp_path, ("libggml.so.0",))


def test_a_build_without_backends_is_a_mismatch(library, monkeypatch):
    class Empty:
        ggml_backend_reg_count = ggml_backend_dev_count = staticmethod(lambda: 0)
        ggml_backend_load_all_from_path = staticmethod(lambda _folder: None)

    monkeypatch.setattr(library, "_ggml", Empty)
    monkeypatch.setattr(library, "mismatch", None)
    assert library._load_backends(Path("/nonexistent")) == "dynamic"
    assert library.mismatch == "no compute backend could be loaded"


def test_a_build_with_its_backends_inside_is_plain(library, monkeypatch):
    class Inside:
        ggml_backend_reg_count = staticmethod(lambda: 1)

    monkeypatch.setattr(library, "_ggml", Inside)
    assert library._load_backends(Path("/nonexistent")) == "plain"


def test_here_is_no_gpu_and_the_reason_is_told(library):
    assert library.why_no_gpu().code in {NoticeCode.GPU_NOT_BUILT_IN, NoticeCode.GPU_NOT_FOUND}


def test_with_a_gpu_there_is_nothing_to_explain(library, monkeypatch):
    monkeypatch.setattr(library, "devices", lambda: (Device(name="CPU"), Device(name="Vulkan0", kind="igpu")))
    assert library.why_no_gpu() is None


def test_a_build_for_the_processor_alone_says_so(library, monkeypatch, tmp_path):
    for name in (
        "libggml-base.so.0",
        "libggml-cpu-zen4.so",
        "libggml-rpc.so",
        "libggml-blas.so",
        "libggml.so.0",
    ):
        (tmp_path / name).touch()
    monkeypatch.setattr(library, "_folder", tmp_path)
    monkeypatch.setattr(library, "_knows_gpus", lambda: False)
    assert library.why_no_gpu().code is NoticeCode.GPU_NOT_BUILT_IN
    monkeypatch.setattr(library, "_knows_gpus", lambda: True)
    assert library.why_no_gpu().code is NoticeCode.GPU_NOT_FOUND


def test_a_plug_in_that_cannot_be_loaded_is_explained_in_the_system_s_words(library, monkeypatch, tmp_path):
    (tmp_path / "libggml-vulkan.so").write_bytes(b"no library")
    monkeypatch.setattr(library, "_folder", tmp_path)
    reason = library.why_no_gpu()
    assert reason.code is NoticeCode.GPU_LIBRARY_MISSING
    assert "libggml-vulkan.so" in reason.facts["detail"]


def test_the_frozen_app_s_loader_does_not_hide_what_the_system_said(monkeypatch):
    def load(name):
        try:
            raise OSError("libvulkan.so.1: cannot open shared object file")
        except OSError as error:
            raise OSError(f"Failed to load {name}. Most likely it was not found") from error

    monkeypatch.setattr(bindings.ctypes, "CDLL", load)
    assert bindings._load_fault(Path("/x.so")) == "libvulkan.so.1: cannot open shared object file"


def test_the_backends_that_are_compiled_in_are_read(library, monkeypatch):
    assert library._knows_gpus() in (True, False)
    monkeypatch.setattr(bindings, "_text", lambda raw: "CPU")
    assert not library._knows_gpus()
    monkeypatch.setattr(bindings, "_text", lambda raw: "CUDA")
    assert library._knows_gpus()
