"""The header reader: says what is in real files, and refuses everything else in its own words."""

from __future__ import annotations

import functools
import io
import random
import struct
import tracemalloc
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.models.ggml_types import FILE_TYPES, TENSOR_TYPES
from app.models.gguf import MAX_HEADER_BYTES, STRING, GgufHeader, parse_header, read_header
from tests.fakes.gguf_file import gguf_bytes, text, value
from tests.fakes.gguf_mutants import broken_bytes
from tests.realmodels import gemma3, smollm2


def parse(data: bytes, file_bytes: int | None = None) -> GgufHeader:
    return parse_header(io.BytesIO(data), "x.gguf", file_bytes)


def refusal(data: bytes, file_bytes: int | None = None) -> str:
    with pytest.raises(KnownError) as caught:
        parse(data, file_bytes)
    assert caught.value.notice.code is NoticeCode.MODEL_CORRUPT
    assert caught.value.notice.facts["path"] == "x.gguf"
    return str(caught.value.notice.facts["detail"])


@functools.cache
def smollm2_header() -> tuple[bytes, int]:
    """The real header, and the length of the file it is from."""
    header = read_header(smollm2())
    with smollm2().open("rb") as file:
        return file.read(header.data_offset), header.file_bytes


def start(*, keys: int = 0, tensors: int = 0, version: int = 3, magic: bytes = b"GGUF") -> bytes:
    return magic + struct.pack("<IQQ", version, tensors, keys)


def tensor(name: str, shape: tuple[int, ...] = (32,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def test_the_starter_model_is_read_as_it_is():
    header = read_header(smollm2())
    assert (header.architecture, header.quant, header.layers) == ("llama", "Q4_1", 30)
    assert (header.context_tokens, header.parameters, header.has_template) == (8192, 134_515_008, True)
    assert (header.kv_heads, header.key_length, header.value_length) == ((3,) * 30, 64, 64)
    assert header.kind == "model"
    assert header.arrays["tokenizer.ggml.tokens"].count == 49_152
    assert "tokenizer.ggml.tokens" not in header.metadata


def test_another_architecture_is_read_as_it_is():
    header = read_header(gemma3())
    assert (header.architecture, header.quant, header.layers) == ("gemma3", "Q4_K_M", 18)
    assert (header.context_tokens, header.parameters, header.has_template) == (32_768, 268_098_176, False)
    assert header.number("attention.sliding_window") == 512


def check_tensors(path: Path) -> None:
    """Compares with the format's own library."""
    theirs = gguf.GGUFReader(path)
    ours = read_header(path)
    assert ours.tensors
    assert [(t.name, t.elements, t.size_bytes, ours.data_offset + t.offset) for t in ours.tensors] == [
        (t.name, int(t.n_elements), int(t.n_bytes), int(t.data_offset)) for t in theirs.tensors
    ]


@pytest.mark.slow  # their reader takes seconds over a real vocabulary
@pytest.mark.parametrize("model", [smollm2, gemma3])
def test_tensors_of_a_real_model_are_what_the_format_s_own_library_says(model):
    check_tensors(model())


@pytest.mark.parametrize("alignment", [32, 128])
def test_tensors_are_what_the_format_s_own_library_says(tmp_path: Path, alignment: int):
    path = tmp_path / "x.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(alignment)
    for name in ("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K", "IQ2_XXS"):
        kind = gguf.GGMLQuantizationType[name]
        rows = np.zeros((3, gguf.GGML_QUANT_SIZES[kind][1] * 5), dtype=np.uint8)
        writer.add_tensor(f"{name}.weight", rows, raw_dtype=kind)
    write(writer)
    check_tensors(path)


def write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_the_tables_are_those_of_the_format_s_own_library():
    sizes = {kind.value: (kind.name, *size) for kind, size in gguf.GGML_QUANT_SIZES.items()}
    wrong_there = 9  # Q8_1: their table says 40, ggml 36; it is never stored
    assert {n: tuple(TENSOR_TYPES[n]) for n in sizes if n != wrong_there} == {
        n: size for n, size in sizes.items() if n != wrong_there
    }
    names = {
        kind.value: kind.name.removeprefix("MOSTLY_").removeprefix("ALL_") for kind in gguf.LlamaFileType
    }
    names = {number: name.removesuffix("_MOE") for number, name in names.items() if number in FILE_TYPES}
    assert names == FILE_TYPES


def test_a_file_of_the_format_s_own_writer_is_read(tmp_path: Path):
    path = tmp_path / "x.gguf"
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name("Little one")
    writer.add_block_count(2)
    writer.add_key_length(128)
    writer.add_head_count_kv([4, 8])
    writer.add_bool("some.flag", True)
    writer.add_float64("some.number", 0.5)
    writer.add_array("some.words", ["ö", "b"])
    writer.add_tensor("a.weight", np.zeros((4, 64), dtype=np.float32))
    writer.add_tensor("b.weight", np.zeros(64, dtype=np.float16))
    write(writer)
    header = read_header(path)
    assert (header.name, header.architecture, header.kv_heads) == ("Little one", "qwen3", (4, 8))
    assert (header.key_length, header.value_length) == (128, 0)
    assert header.metadata["some.flag"] is True
    assert header.metadata["some.number"] == 0.5
    assert header.metadata["some.words"] == ("ö", "b")
    assert [tensor.shape for tensor in header.tensors] == [(64, 4), (64,)]
    assert header.quant == "F32"  # by weight, as no recipe is named


def test_what_is_not_a_language_model_is_told_apart():
    assert parse(gguf_bytes(architecture="clip")).kind == "mmproj"
    assert parse(gguf_bytes(more={"general.type": "adapter"})).kind == "adapter"
    assert parse(gguf_bytes()).kind == "model"


def test_the_recipe_may_be_a_guess_of_llama_cpp():
    assert parse(gguf_bytes(more={"general.file_type": 1024 + 7})).quant == "Q8_0"


def test_only_the_beginning_is_needed_when_the_length_is_known():
    header, length = smollm2_header()
    assert parse(header, length).parameters == 134_515_008


def test_nothing_behind_the_header_is_read():
    class Counting(io.BytesIO):
        read_bytes = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.read_bytes += len(data)
            return data

    file = Counting(gguf_bytes(20_000_000))
    parse_header(file)
    assert file.read_bytes < 2_000_000


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "truncated"),
        (b"GG", "truncated"),
        (b"<!DOCTYPE html><html>", "magic"),
        (b"GGUF", "truncated"),
        (start(version=1), "version"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "version"),  # big-endian
        (start(keys=65_537), "counts"),
        (start(tensors=100_001), "counts"),
        (start(keys=1) + struct.pack("<Q", 2**63), "string"),
        (start(keys=1) + struct.pack("<Q", 100), "truncated"),
        (start(keys=1) + text("") + value("x"), "key"),
        (start(keys=2) + (text("a") + value("x")) * 2, "key"),
        (start(keys=1) + text("a") + struct.pack("<I", 13), "value-type"),
        (start(keys=1) + text("a") + struct.pack("<IIQ", 9, 9, 1), "array"),  # nested
        (start(keys=1) + text("a") + struct.pack("<IIQ", 9, 99, 1), "array"),
        (start(keys=1) + text("a") + struct.pack("<IIQ", 9, 0, 2**62), "array"),
        (start(keys=1) + text("a") + struct.pack("<IIQ", 9, 0, 4_000_000), "truncated"),
        (start(keys=1) + text("a") + struct.pack("<IIQQ", 9, STRING, 2000, 2**62), "header-size"),
        (start(keys=1) + text("general.alignment") + value(0), "alignment"),
        (start(keys=1) + text("general.alignment") + value(48), "alignment"),
        (start(keys=1) + text("general.alignment") + value("x"), "alignment"),
        (start(tensors=1) + text("a" * 65), "string"),
        (start(tensors=2) + tensor("a") * 2, "tensor-name"),
        (start(tensors=1) + text("a") + struct.pack("<I", 5), "tensor-shape"),
        (start(tensors=1) + tensor("a", (2**40, 2**40)), "tensor-shape"),
        (start(tensors=1) + tensor("a", (0,)), "tensor-shape"),
        (start(tensors=1) + tensor("a", (33,), kind=2), "tensor-shape"),
        (start(tensors=1) + tensor("a", kind=4), "tensor-type"),
        (start(tensors=1) + tensor("a", offset=32), "tensor-offset"),
        (start(tensors=2) + tensor("a") + tensor("b", offset=64) + bytes(256), "tensor-offset"),
        (start(tensors=1) + tensor("a", (2**40,)), "truncated"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, detail: str):
    assert refusal(data) == detail


def test_a_header_without_end_is_not_followed():
    endless = start(keys=9) + b"".join(
        text(f"k{n}") + value("x") * 0 + struct.pack("<I", STRING) + text("y" * 16_000_000) for n in range(5)
    )
    assert refusal(endless, 2**40) == "header-size"
    assert len(endless) > MAX_HEADER_BYTES


def test_many_arrays_do_not_fill_the_memory():
    array = struct.pack("<IIQ", 9, 0, 1000) + bytes(1000)
    data = start(keys=5_000) + b"".join(text(f"k{n}") + array for n in range(5_000))
    tracemalloc.start()
    header = parse(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(header.arrays) == 5_000
    assert peak < 20_000_000  # all of them kept would be twice that


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.99])
def test_a_file_that_was_cut_is_noticed(tmp_path: Path, cut: float):
    header, length = smollm2_header()
    assert refusal(header, int(length * cut)) == "truncated"
    assert refusal(header[: int(len(header) * cut)], length) == "truncated"


def test_every_cut_of_a_small_file_is_noticed():
    data = gguf_bytes(64)
    for length in range(len(data)):
        assert refusal(data[:length]) == "truncated"


def survives(data: bytes, file_bytes: int) -> bool:
    """Reads what may be broken; anything but a header or a refusal fails the test."""
    try:
        parse(data, file_bytes)
    except KnownError as error:
        if error.notice.code is not NoticeCode.MODEL_CORRUPT:
            raise
        return False
    return True


def test_mutants_of_a_real_header_are_refused_or_read():
    header, length = smollm2_header()
    chance = random.Random(1)
    infos = len(header) - 20_000  # the tensors are described at the end
    outcomes = [survives(broken_bytes(header, chance, (0, 4000)), length) for _ in range(200)]
    # Each of these is read to the end, vocabulary and all.
    outcomes += [survives(broken_bytes(header, chance, (infos, len(header) - 8)), length) for _ in range(20)]
    assert {True, False} == set(outcomes)


@pytest.mark.slow
def test_ten_thousand_mutants_are_refused_or_read():
    """Most of them where the structure is: a mutant in the vocabulary is read to the end each time."""
    header, length = smollm2_header()
    chance = random.Random(2)
    end = len(header) - 8
    for count, places in ((9_000, (0, 4000)), (500, (end - 20_000, end)), (500, (0, end))):
        for _ in range(count):
            survives(broken_bytes(header, chance, places), length)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(data: bytes):
    survives(data, len(data))
    survives(start(keys=3, tensors=2) + data, 2**30)


def test_a_file_that_cannot_be_opened_is_missing(tmp_path: Path):
    with pytest.raises(KnownError) as caught:
        read_header(tmp_path / "no.gguf")
    assert caught.value.notice.code is NoticeCode.MODEL_FILE_MISSING
