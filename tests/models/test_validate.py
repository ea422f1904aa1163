"""Whatever is in a file: it passes, or is refused in the validator's own words, soon and in little memory."""

from __future__ import annotations

import functools
import io
import os
import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.models.validate import stamp, validate
from tests.fakes.gguf_draft import Draft, read_draft
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.gguf_mutants import broken_bytes, mutant
from tests.fakes.tiny_models import ARCHITECTURES, tiny_model
from tests.models.rules.drafts import changed, number, refused, written
from tests.realmodels import gemma3, smollm2

REFUSALS = (NoticeCode.MODEL_CORRUPT, NoticeCode.MODEL_REFUSED)
# The goals; deadlines are twenty times as long, because others use the machine as well.
MS_PER_MB, BYTES_PER_MB = 40, 10_000_000
LEAST_MB = 0.05


def outcome(path: Path) -> str:
    """Returns "passed" or the code of the refusal; any other exception fails the test."""
    try:
        validate([path])
    except KnownError as error:
        if error.notice.code not in REFUSALS:
            raise
        return error.notice.code.value
    return "passed"


@pytest.mark.parametrize("model", [smollm2, gemma3])
def test_real_models_pass(model: Callable[[], Path]):
    assert validate([model()])[0].tensors


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_passes(architecture: str):
    assert validate([tiny_model(architecture, layers=2, trained=512, vocabulary=512)])
    assert validate([tiny_model(architecture)])


def test_what_is_no_model_is_held_to_the_format_alone(tmp_path: Path):
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf_bytes(architecture="clip", more={"clip.block_count": 0}))
    assert validate([path])
    path.write_bytes(gguf_bytes(more={"llama.block_count": 0}))
    assert outcome(path) == "model-refused"


def test_a_refusal_says_what_is_wrong_and_where(tmp_path: Path):
    path = written(changed(number("llama.block_count", 600)), tmp_path / "m.gguf")
    with pytest.raises(KnownError) as caught:
        validate([path])
    assert caught.value.notice.facts == {
        "path": str(path),
        "fault": "number",
        "value": "llama.block_count = 600 (1-512)",
    }


def test_a_file_that_is_gone(tmp_path: Path):
    with pytest.raises(KnownError) as caught:
        validate([tmp_path / "no.gguf"])
    assert caught.value.notice.code is NoticeCode.MODEL_FILE_MISSING


def test_the_stamp_is_of_the_files_as_they_are(tmp_path: Path):
    first, second = tmp_path / "1.gguf", tmp_path / "2.gguf"
    first.write_bytes(b"a")
    second.write_bytes(b"b")
    stamps = {stamp([first]), stamp([second]), stamp([first, second])}
    os.utime(first, ns=(1, 1))
    stamps.add(stamp([first]))
    first.write_bytes(b"ab")
    stamps.add(stamp([first]))
    assert len(stamps) == 5
    assert stamp([first]) in stamps


def test_alignment_below_ggml_s_own_is_refused(tmp_path: Path):
    path = written(changed(number("general.alignment", 8)), tmp_path / "m.gguf")
    assert outcome(path) == "model-corrupt"
    assert refused(tmp_path, number("general.alignment", 32)) is None


# Mutants


@functools.cache
def drafts() -> tuple[Draft, ...]:
    return tuple(
        read_draft(tiny_model(name, layers=2, trained=512, vocabulary=512), with_data=False)
        for name in ARCHITECTURES
    )


def put(path: Path, header: bytes, length: int) -> Path:
    path.write_bytes(header)
    os.truncate(path, length)
    return path


def tried(folder: Path, count: int, seed: int) -> dict[str, int]:
    """Validates so many mutants of the tiny models; returns how many came to what."""
    chance = random.Random(seed)
    counted: dict[str, int] = {}
    for index in range(count):
        draft = drafts()[index % len(drafts())]
        last = draft.tensors[-1]
        if index % 5:
            header = mutant(draft, chance)[0].header()
        else:
            whole = draft.header()
            header = broken_bytes(whole, chance, (0, len(whole) - 8))
        result = outcome(put(folder / "m.gguf", header, len(header) + last.offset + last.size_bytes))
        counted[result] = counted.get(result, 0) + 1
    return counted


def test_a_thousand_mutants_pass_or_are_refused(tmp_path: Path):
    counted = tried(tmp_path, 1000, seed=1)
    assert set(counted) == {"passed", "model-corrupt", "model-refused"}
    assert min(counted.values()) > 50  # each of the three is really tried


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nineteen_thousand_mutants_pass_or_are_refused(tmp_path: Path):
    assert sum(tried(tmp_path, 19_000, seed=2).values()) == 19_000


@pytest.mark.slow
@pytest.mark.parametrize(("model", "count"), [(smollm2, 800), (gemma3, 200)])
def test_a_thousand_mutants_of_real_headers_pass_or_are_refused(
    tmp_path: Path, model: Callable[[], Path], count: int
):
    """Most of them where the structure is: one in the vocabulary is read to the end each time."""
    data, length = header_of(model()), model().stat().st_size
    chance = random.Random(3)
    for index in range(count):
        places = (0, 4000) if index % 10 else (0, len(data) - 8)
        outcome(put(tmp_path / "m.gguf", broken_bytes(data, chance, places), length))


def header_of(model: Path) -> bytes:
    end = validate([model])[0].data_offset
    with model.open("rb") as file:
        return file.read(end)


@pytest.mark.parametrize("model", [smollm2, gemma3])
def test_time_and_memory_hang_on_the_header(model: Callable[[], Path]):
    megabytes = len(header_of(model())) / 1e6
    begun = time.perf_counter()
    validate([model()])
    assert time.perf_counter() - begun < 20 * MS_PER_MB / 1000 * megabytes
    tracemalloc.start()
    validate([model()])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * BYTES_PER_MB * megabytes


def test_the_worst_header_takes_no_longer(tmp_path: Path):
    """As many short tokens as a list may have, each of them one more object."""
    tokens = [b"%x" % number for number in range(400_000)]

    def change(draft: Draft) -> None:
        draft.item("tokenizer.ggml.tokens").value = tokens
        draft.item("tokenizer.ggml.token_type").value = [1] * len(tokens)

    path = written(changed(change), tmp_path / "m.gguf")
    megabytes = path.stat().st_size / 1e6
    begun = time.perf_counter()
    assert outcome(path) == "passed"
    assert time.perf_counter() - begun < 20 * MS_PER_MB / 1000 * megabytes


def test_a_mutant_is_another_file_and_the_same_for_the_same_seed():
    originals = [draft.header() for draft in drafts()]
    first = [mutant(draft, random.Random(7))[0].header() for draft in drafts()]
    assert first == [mutant(draft, random.Random(7))[0].header() for draft in drafts()]
    assert [draft.header() for draft in drafts()] == originals
    assert sum(one != other for one, other in zip(first, originals, strict=True)) > len(originals) // 2


def test_a_draft_is_put_together_as_it_was():
    path = tiny_model("llama", layers=2, trained=512, vocabulary=512)
    assert read_draft(path).whole() == path.read_bytes()
    assert io.BytesIO(read_draft(path).header()).read(4) == b"GGUF"
