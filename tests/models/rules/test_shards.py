"""Parts of a model that do not belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.models.validate import validate
from tests.fakes.gguf_file import gguf_bytes

INT32 = 5


def parts(folder: Path, *facts: dict[str, int]) -> list[Path]:
    paths = [folder / f"{number}.gguf" for number in range(len(facts))]
    for path, more in zip(paths, facts, strict=True):
        path.write_bytes(gguf_bytes(256, more=more))
    return paths


def part(number: int, count: int = 2) -> dict[str, int]:
    return {"split.no": number, "split.count": count}


def test_parts_that_belong_together(tmp_path):
    assert len(validate(parts(tmp_path, part(0), part(1)))) == 2


@pytest.mark.parametrize(
    "facts",
    [
        (part(0),),  # one is missing
        (part(0, 3), part(1)),
        ({}, part(1)),
        (part(0), part(2)),
        (part(1), part(0)),
        (part(0), {"split.count": 2, "split.no": 0}),  # the first one twice
    ],
)
def test_parts_that_do_not(tmp_path, facts):
    with pytest.raises(KnownError) as caught:
        validate(parts(tmp_path, *facts))
    assert caught.value.notice.code is NoticeCode.MODEL_CORRUPT
    assert caught.value.notice.facts["detail"] == "shards"


def test_a_number_of_a_wrong_type_ends_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.fakes.gguf_file.SHARD_KINDS", {})
    with pytest.raises(KnownError) as caught:
        validate(parts(tmp_path, part(0), part(1)))
    assert caught.value.notice.facts["value"] == "split.no = uint32 (uint16)"
