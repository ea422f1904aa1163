"""The page of sizes: every file counts once, figures read as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.scripts import load

sizes = load("sizes")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("models/SmolLM2.gguf", "starter model (SmolLM2-135M, Q4_1)"),
        ("_internal/llama_cpp/lib/libggml-vulkan.so", "llama.cpp: Vulkan"),
        ("_internal/llama_cpp/lib/libggml-cpu-zen4.so", "llama.cpp: fourteen kinds of processor"),
        ("_internal/llama_cpp/lib/libllama.so", "llama.cpp: the rest"),
        ("_internal/PySide6/Qt/lib/libicudata.so.73", "Qt: Unicode data (ICU)"),
        ("_internal/PySide6/QtCore.abi3.so", "PySide: Qt in Python"),
        ("cove", "Python, its library, the program's own code"),
        ("_internal/anything", "everything else"),
    ],
)
def test_every_file_belongs_to_one_part(name, part):
    assert sizes.part_of(name) == part


def test_no_file_is_left_out_or_counted_twice():
    names = {"cove": Path("a"), "models/m": Path("b"), "_internal/x": Path("c")}
    groups = sizes.grouped(names)
    assert sorted(path for group in groups.values() for path in group) == sorted(names.values())


def test_figures_are_readable():
    assert sizes.mib(3 * 1024 * 1024) == "3.0"
    assert sizes.minutes(903.6) == "15:04"
    assert sizes.minutes(59.7) == "1:00"
    assert sizes.seconds(None) == ""
    assert sizes.dotted((2, 35)) == "2.35"
    assert sizes.table(("", "b"), [("c", "d")]) == "|  | b |\n| --- | ---: |\n| c | d |\n"
