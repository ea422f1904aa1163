from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.settings.files import Files, save
from tests.settings.faults import FailingFiles


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_the_bytes_are_on_the_disk_before_they_take_the_place_of_the_old(tmp_path: Path):
    files = FailingFiles()
    save(tmp_path / "file", b"new", files)
    assert files.steps == ["write", "sync", "replace"]
    assert (tmp_path / "file").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


@pytest.mark.parametrize("fail_at", range(3))
@pytest.mark.parametrize("tears", [False, True])
def test_whatever_fails_the_old_file_stays_and_nothing_is_left_beside_it(
    tmp_path: Path, fail_at: int, tears: bool
):
    (tmp_path / "file").write_bytes(b"old")
    opened = count_descriptors()
    with pytest.raises(OSError):
        save(tmp_path / "file", b"new and longer", FailingFiles(fail_at, tears=tears))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"old"}
    assert count_descriptors() == opened


def test_a_disk_that_takes_nothing_leaves_no_descriptor(tmp_path: Path):
    opened = count_descriptors()
    with pytest.raises(OSError):
        Files().write(Path("/dev/full"), b"x" * 100_000)
    assert count_descriptors() == opened
