"""What the disk says: what is free, what an error means, and when a rename has truly happened."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from app.domain.notice import Action, NoticeCode
from app.errors import KnownError


def disk_fault(error: OSError, folder: Path, needed_bytes: int) -> KnownError:
    """Returns what an error of the disk means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(folder, needed_bytes)
    return KnownError.of(NoticeCode.HOME_NOT_WRITABLE, path=str(folder), detail=error.strerror or "")


def disk_full(folder: Path, needed_bytes: int) -> KnownError:
    return KnownError.of(
        NoticeCode.DISK_FULL,
        Action.FREE_DISK,
        Action.RESUME_DOWNLOAD,
        needed_bytes=needed_bytes,
        free_bytes=free_bytes(folder),
        path=str(folder),
    )


def free_bytes(folder: Path) -> int:
    """Returns what is free for us where a folder is, or will be."""
    while not folder.exists() and folder.parent != folder:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a power cut, where that can be asked for."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
