"""The files of a transfer on this disk: counted, cleared up, and taken over when they are there already."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from app.domain.notice import NoticeCode
from app.domain.transfer import Transfer, TransferFile
from app.downloads.files import TransferFiles, done_bytes, identity_of, is_already_there
from app.downloads.partfile import PartFile
from app.errors import KnownError
from app.models.hub import Identity

DATA = b"x" * 5000
SHA256 = hashlib.sha256(DATA).hexdigest()
FILES = tuple(
    TransferFile(filename=f"q/{name}.gguf", size_bytes=5000, sha256=SHA256, etag=SHA256) for name in "ab"
)
TRANSFER = Transfer(id="t", repo="me/a", quant="Q4_0", files=FILES)


@pytest.fixture
def files(tmp_path: Path) -> TransferFiles:
    return TransferFiles(tmp_path / "models", TRANSFER)


def put(files: TransferFiles, index: int, count: int) -> None:
    part = PartFile(files.places[index], identity_of(FILES[index]), 1024)
    part.write(0, DATA[:count])
    part.checkpoint()
    if count == len(DATA):
        part.finish()
    part.close()


def test_what_is_on_disk_is_counted(files: TransferFiles):
    assert files.recounted(TRANSFER).done_bytes == 0
    put(files, 0, 5000)
    put(files, 1, 1200)
    assert [file.done_bytes for file in files.recounted(TRANSFER).files] == [5000, 1200]


def test_another_file_s_bytes_do_not_count(files: TransferFiles):
    put(files, 1, 1200)
    assert done_bytes(files.places[1], TransferFile(filename="q/b.gguf", size_bytes=6000, sha256=SHA256)) == 0


def test_clearing_up_takes_finished_files_too(files: TransferFiles, tmp_path: Path):
    put(files, 0, 5000)
    put(files, 1, 1200)
    files.discard()
    assert list((tmp_path / "models").iterdir()) == []
    files.discard()  # harmless


def test_clearing_up_leaves_what_was_there_before(files: TransferFiles, tmp_path: Path):
    put(files, 1, 1200)
    files.places[0].target.write_bytes(DATA)
    files.discard()
    assert [path.name for path in (tmp_path / "models").rglob("*.*")] == ["a.gguf"]


def test_handed_over_files_stay_alone(files: TransferFiles, tmp_path: Path):
    put(files, 0, 5000)
    put(files, 1, 5000)
    files.forget_journals()
    assert sorted(path.name for path in (tmp_path / "models").rglob("*.*")) == ["a.gguf", "b.gguf"]


def test_a_file_that_is_there_is_known_by_its_journal_or_its_hash(files: TransferFiles):
    place, identity = files.places[0], identity_of(FILES[0])
    looks: list[int] = []
    assert not is_already_there(place, identity, lambda: looks.append(1))
    put(files, 0, 5000)
    assert is_already_there(place, identity, lambda: looks.append(1))
    assert looks == []  # the journal says so
    place.discard()
    assert is_already_there(place, identity, lambda: looks.append(1))
    assert looks == [1]
    place.target.write_bytes(b"y" * 5000)
    assert not is_already_there(place, identity, lambda: None)
    assert not is_already_there(place, Identity(size_bytes=5000, etag="e"), lambda: None)  # no hash, no trust
    place.target.write_bytes(DATA + b"x")
    assert not is_already_there(place, identity, lambda: None)


def test_a_file_that_cannot_be_read_is_named(files: TransferFiles):
    files.places[0].target.mkdir(parents=True)
    size = files.places[0].target.stat().st_size
    with pytest.raises(KnownError) as caught:
        is_already_there(files.places[0], Identity(size_bytes=size, sha256=SHA256), lambda: None)
    assert caught.value.notice.code is NoticeCode.HOME_NOT_WRITABLE
