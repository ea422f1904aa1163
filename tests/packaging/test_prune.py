"""The engine's wheel loses what is never opened, and stays a wheel that pip installs."""

from __future__ import annotations

import base64
import hashlib
import zipfile

import pytest

from tests.packaging.scripts import load

prune = load("wheel/prune")

INIT = 'from .llama_cpp import *\nfrom .llama import *\n\n__version__ = "0.3.36"\n'
METADATA = """Metadata-Version: 2.2
Name: llama_cpp_python
Version: 0.3.36
Requires-Dist: typing-extensions>=4.5.0
Requires-Dist: numpy>=1.20.0
Provides-Extra: server
Requires-Dist: uvicorn>=0.22.0; extra == "server"

Requires-Dist: is explained here
"""
LIB = "llama_cpp/lib/"
KEPT_LIBRARIES = {
    *(f"{LIB}libllama.so", f"{LIB}libggml.so.0", f"{LIB}libggml-base.so.0"),
    *(f"{LIB}libggml-cpu-zen4.so", f"{LIB}libggml-vulkan.so", f"{LIB}libggml-rpc.so"),
}
DROPPED = {
    *(f"{LIB}libllama.so.0", f"{LIB}libllama.so.0.5.0", f"{LIB}libggml.so", f"{LIB}libggml.so.0.25.3"),
    *(f"{LIB}libggml-base.so", f"{LIB}libggml-base.so.0.25.3"),
    *(f"{LIB}libllama-common.so", f"{LIB}libllama-common.so.0", f"{LIB}libmtmd.so", f"{LIB}libmtmd.so.0"),
    *(f"{LIB}cmake/ggml/ggml-config.cmake", f"{LIB}pkgconfig/llama.pc", "llama_cpp/include/ggml.h"),
    *("llama_cpp/llama.py", "llama_cpp/server/app.py", "llama_cpp/server/__init__.py", "llama_cpp/_ggml.py"),
}
MODULES = {"llama_cpp/__init__.py", "llama_cpp/llama_cpp.py", "llama_cpp/_ctypes_extensions.py"}
INFO = "llama_cpp_python-0.3.36.dist-info"


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "llama_cpp_python-0.3.36-py3-none-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in KEPT_LIBRARIES | DROPPED | MODULES:
            archive.writestr(name, INIT if name == "llama_cpp/__init__.py" else name)
        archive.writestr(f"{INFO}/METADATA", METADATA)
        archive.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr(f"{INFO}/RECORD", "old,,\n")
    return path


@pytest.fixture
def pruned(wheel, tmp_path):
    target = tmp_path / "out" / wheel.name
    target.parent.mkdir()
    prune.prune_wheel(wheel, target)
    return target


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_one_copy_of_each_library_stays_under_the_name_it_is_opened_by(pruned):
    expected = KEPT_LIBRARIES | MODULES | {f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD")}
    assert set(contents(pruned)) == expected


def test_importing_it_brings_only_the_low_level_bindings(pruned):
    text = contents(pruned)["llama_cpp/__init__.py"].decode()
    assert text == 'from .llama_cpp import *\n\n__version__ = "0.3.36"\n'


def test_pip_is_not_told_to_bring_numpy(pruned):
    text = contents(pruned)[f"{INFO}/METADATA"].decode()
    assert "numpy" not in text
    assert "uvicorn" not in text
    assert "Requires-Dist: typing-extensions" in text
    assert text.endswith("\n\nRequires-Dist: is explained here\n")


def test_the_record_holds_every_file_with_its_hash(pruned):
    files = contents(pruned)
    rows = [line.split(",") for line in files.pop(f"{INFO}/RECORD").decode().splitlines()]
    assert rows.pop() == [f"{INFO}/RECORD", "", ""]
    for name, digest, size in rows:
        content = files.pop(name)
        encoded = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={encoded}", str(len(content)))
    assert files == {}


def test_pruning_again_changes_nothing(pruned, tmp_path):
    again = tmp_path / pruned.name
    prune.prune_wheel(pruned, again)
    assert again.read_bytes() == pruned.read_bytes()


def test_a_plain_build_keeps_the_backend_it_is_linked_against():
    names = [f"{LIB}libggml-cpu.so", f"{LIB}libggml-cpu.so.0", f"{LIB}libggml-cpu.so.0.25.3"]
    assert [name for name in names if prune.is_kept(name, names)] == [f"{LIB}libggml-cpu.so.0"]


def test_a_package_that_hides_its_version_is_refused():
    with pytest.raises(ValueError, match="version"):
        prune.lean_init("from .llama import *\n")
