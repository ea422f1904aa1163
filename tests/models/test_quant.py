"""Which quant a file's name speaks of, and which files make one model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.quant import (
    FileEntry,
    base_name,
    group,
    is_model,
    is_projector,
    pick,
    quant_of,
    shard_of,
    shard_paths,
    spelled,
)

NAMES = [
    ("Qwen3-8B-Q4_K_M.gguf", "Q4_K_M", "Qwen3-8B"),
    ("smollm2-135m-instruct-q4_k_m.gguf", "Q4_K_M", "smollm2-135m-instruct"),
    ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1", "SmolLM2-135M-Instruct"),
    ("UD-IQ1_S/DeepSeek-R1-UD-IQ1_S-00001-of-00003.gguf", "UD-IQ1_S", "DeepSeek-R1"),
    ("UD-Q4_K_XL/x.gguf", "UD-Q4_K_XL", "x"),
    ("Phi-3-mini-4k-instruct-q4.gguf", "Q4", "Phi-3-mini-4k-instruct"),
    ("Phi-3-mini-4k-instruct-fp16.gguf", "F16", "Phi-3-mini-4k-instruct"),
    ("M.i1-IQ3_XXS.gguf", "IQ3_XXS", "M"),
    ("gpt-oss-20b-mxfp4.gguf", "MXFP4", "gpt-oss-20b"),
    ("gpt-oss-20b-MXFP4_MOE.gguf", "MXFP4", "gpt-oss-20b"),
    ("gemma-3-4b-it-qat-q4_0.gguf", "Q4_0", "gemma-3-4b-it-qat"),
    ("L-Q4_0_4_8.gguf", "Q4_0_4_8", "L"),
    ("Q8_0/Meta-00002-of-00015.gguf", "Q8_0", "Meta"),
    ("model.gguf", "", "model"),
    ("a-Q8_0-Q4_K_M.gguf", "Q4_K_M", "a-Q8_0"),
    ("Qwen3-30B-A3B-UD-Q6_K_XL.gguf", "UD-Q6_K_XL", "Qwen3-30B-A3B"),
    ("x-BF16.gguf", "BF16", "x"),
    ("Q4_K_M.gguf", "Q4_K_M", "Q4_K_M"),
    ("x.Q2_K_L.gguf", "Q2_K_L", "x"),
    ("tq1_0/Bit-TQ1_0.GGUF", "TQ1_0", "Bit"),
    ("QwQ-32B-Q5_K_S.gguf", "Q5_K_S", "QwQ-32B"),
]


@pytest.mark.parametrize(("path", "quant", "name"), NAMES)
def test_names_are_understood(path: str, quant: str, name: str):
    assert (quant_of(path), base_name(path)) == (quant, name)


def entries(*paths: str) -> list[FileEntry]:
    return [FileEntry(path=path, size_bytes=100 + n) for n, path in enumerate(paths)]


def test_shards_are_folded_in_order_and_half_sets_left_out():
    whole = ["b/x-Q8_0-00002-of-00002.gguf", "b/x-Q8_0-00001-of-00002.gguf"]
    half = ["x-Q4_0-00001-of-00003.gguf", "x-Q4_0-00003-of-00003.gguf"]
    (only,) = group(entries(*whole, *half))
    assert [file.path for file in only.files] == sorted(whole)
    assert (only.quant, only.size_bytes) == ("Q8_0", 201)


def test_what_is_no_model_is_left_out():
    files = entries("README.md", "mmproj-F16.gguf", "imatrix_unsloth.gguf", "x-Q4_0.gguf", "x.imatrix.gguf")
    assert [entry.quant for entry in group(files)] == ["Q4_0"]
    assert is_projector("sub/mmproj-model-f16.gguf")
    assert not is_model("sub/mmproj-model-f16.gguf")


@pytest.mark.parametrize(
    ("path", "shard"),
    [
        ("a-00002-of-00003.gguf", (2, 3)),
        ("a-00004-of-00003.gguf", (1, 1)),
        ("a-00000-of-00003.gguf", (1, 1)),
        ("a-00001-of-99999.gguf", (1, 1)),  # nobody has that many; a list of them would cost
        ("a.gguf", (1, 1)),
    ],
)
def test_shard_numbers_must_make_sense(path: str, shard: tuple[int, int]):
    assert shard_of(path) == shard
    assert len(shard_paths(path)) == shard[1]


GROUPS = group(entries("x-F16.gguf", "x-Q8_0.gguf", "x-Q4_K_M.gguf", "x-UD-Q2_K_XL.gguf", "x-IQ2_XXS.gguf"))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, "Q4_K_M"),
        ("q8_0", "Q8_0"),
        (" IQ2_xxs", "IQ2_XXS"),
        ("fp16", "F16"),
        ("Q2_K_XL", "UD-Q2_K_XL"),
        ("ud-q2_k_xl", "UD-Q2_K_XL"),
        ("x-q8_0.gguf", "Q8_0"),
        ("x-Q8_0", "Q8_0"),
        ("Q4", None),
        ("Q3_K_M", None),
    ],
)
def test_a_quant_is_picked_by_name(wanted: str | None, found: str | None):
    picked = pick(GROUPS, wanted)
    assert (picked.quant if picked else None) == found


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (("x-Q4_0.gguf", "x-Q5_K_M.gguf", "x-Q4_K_S.gguf"), "x-Q4_K_S.gguf"),
        (("x-Q4_0.gguf", "x-Q5_K_M.gguf", "x-Q8_0.gguf"), "x-Q5_K_M.gguf"),
        (("x-IQ1_S.gguf", "x-IQ2_S.gguf", "x-F16.gguf"), "x-IQ2_S.gguf"),
        (("model.gguf",), "model.gguf"),
        (("tiny-v2-Q4_K_M.gguf", "other-Q4_K_M.gguf"), "tiny-v2-Q4_K_M.gguf"),
    ],
)
def test_without_a_name_the_common_best_is_picked(paths: tuple[str, ...], found: str):
    picked = pick(group(entries(*paths)), None, "me/Tiny-V2-GGUF")
    assert picked is not None
    assert picked.files[0].path == found


def test_nothing_is_picked_from_nothing():
    assert pick((), None) is None


NAME = st.text("QqIiUuDdKkMmSsXxLlFfBbTt0123456789_-./g", max_size=40)


@given(NAME)
def test_any_name_is_understood_somehow(name: str):
    path = f"{name}.gguf"
    assert quant_of(path) == spelled(quant_of(path))
    assert base_name(path) == "" or base_name(path) in path
    index, count = shard_of(path)
    assert 1 <= index <= count
    if count > 1:
        assert shard_paths(path)[index - 1] == path


@given(st.sampled_from([quant for _, quant, _ in NAMES if quant]), st.text("abcz", min_size=1, max_size=8))
def test_a_quant_in_a_name_is_found_again(quant: str, name: str):
    path = f"{name}-{quant}.gguf"
    assert (quant_of(path), base_name(path)) == (quant, name)
