"""What the disk says."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from app.domain.notice import NoticeCode
from app.downloads.disk import disk_fault, free_bytes, sync_folder


def test_free_space_is_that_of_the_folder_to_be(tmp_path: Path):
    assert free_bytes(tmp_path / "not" / "yet") == pytest.approx(free_bytes(tmp_path), rel=0.1)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_is_a_full_disk_whoever_sets_the_limit(tmp_path: Path, number: int):
    notice = disk_fault(OSError(number, "no room"), tmp_path, 500).notice
    assert (notice.code, notice.facts["needed_bytes"]) == (NoticeCode.DISK_FULL, 500)
    sync_folder(tmp_path)


def test_anything_else_is_a_folder_that_cannot_be_written(tmp_path: Path):
    notice = disk_fault(OSError(errno.EROFS, "read-only"), tmp_path, 0).notice
    assert (notice.code, notice.facts["detail"]) == (NoticeCode.HOME_NOT_WRITABLE, "read-only")
