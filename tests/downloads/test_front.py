"""The front of a part file: the file's own hash, and each chunk's, whatever order the bytes come in."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.downloads.front import Front
from app.downloads.partfile import PartFile
from app.downloads.parts import Place
from app.models.hub import Identity

DATA = random.Random(7).randbytes(10_500)
SHA256 = hashlib.sha256(DATA).hexdigest()
IDENTITY = Identity(size_bytes=len(DATA), sha256=SHA256)
CHUNK = 1000


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "x.gguf")


@pytest.fixture
def part(place: Place) -> Iterator[PartFile]:
    opened = PartFile(place, IDENTITY, CHUNK)
    yield opened
    opened.close()


def run(front: Front) -> None:
    while front.advance():
        pass


@given(st.permutations(range(11)))
def test_the_hash_does_not_depend_on_the_order(tmp_path_factory: pytest.TempPathFactory, order: list[int]):
    part = PartFile(Place(tmp_path_factory.mktemp("p") / "x.gguf"), IDENTITY, CHUNK)
    front = Front(part)
    for number in order:
        start, end = part.chunk(number)
        part.write(start, DATA[start:end])
        run(front)
        assert front.at == part.front
    assert (front.is_done, front.sha256) == (True, SHA256)
    assert set(part.sums) == set(range(11))
    part.close()


def test_what_the_disk_spoilt_meanwhile_costs_one_chunk(place: Place, part: PartFile):
    part.write(0, DATA)
    run(Front(part))
    part.checkpoint()
    part.close()
    spoilt = bytearray(place.part.read_bytes())
    spoilt[4321] ^= 1
    place.part.write_bytes(spoilt)
    again = PartFile(place, IDENTITY, CHUNK)
    front = Front(again)
    run(front)
    assert (again.gap(), front.at, again.done_bytes) == ((4000, 5000), 4000, len(DATA) - CHUNK)
    again.write(4000, DATA[4000:5000])
    run(front)
    assert (front.is_done, front.sha256) == (True, SHA256)
    again.close()


def test_checksums_of_other_chunks_are_not_believed(place: Place, part: PartFile):
    part.write(0, DATA)
    run(Front(part))
    part.checkpoint()
    again = PartFile(place, IDENTITY, 2 * CHUNK)
    assert (again.sums, again.gap()) == ({}, None)
    again.close()


def test_a_file_that_was_cut_short_is_fetched_from_there(place: Place, part: PartFile):
    part.write(0, DATA)
    front = Front(part)
    os.truncate(place.part, 2500)
    run(front)
    assert (front.at, part.gap()) == (2000, (2000, 3000))


def test_it_goes_back_to_where_a_chunk_begins(part: PartFile):
    part.write(0, DATA)
    front = Front(part)
    run(front)
    for number in (9, 4, 0):
        front.rewind(number)
        assert front.at == number * CHUNK
        run(front)
        assert front.sha256 == SHA256
