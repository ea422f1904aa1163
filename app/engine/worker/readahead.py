"""Brings a model file into memory before llama.cpp maps it, so that progress is true and cancel is felt.

llama.cpp maps the file and has the system read all of it in one call: on a slow disk that is a minute
without a word. What is in the page cache already is only looked at, not read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

_BLOCK_BYTES = 1024 * 1024
_NOWAIT = getattr(os, "RWF_NOWAIT", 0)  # Linux: read what is cached, or fail at once


def read_ahead(path: Path, on_progress: Callable[[float], None], is_cancelled: Callable[[], bool]) -> None:
    """Reads the file once, unless it would not stay in memory anyway. Raises `OSError`."""
    size = path.stat().st_size
    if size > _available_bytes():
        return
    buffer = bytearray(_BLOCK_BYTES)
    with path.open("rb", buffering=0) as file:
        for offset in range(0, size, _BLOCK_BYTES):
            if is_cancelled():
                return
            if not _is_cached(file.fileno(), offset):
                file.seek(offset)
                file.readinto(buffer)
            on_progress(min(1.0, (offset + _BLOCK_BYTES) / size))


def _is_cached(descriptor: int, offset: int) -> bool:
    if not _NOWAIT:
        return False
    try:
        return os.preadv(descriptor, [bytearray(1)], offset, _NOWAIT) > 0
    except OSError:  # not cached, or a file system that cannot tell
        return False


def _available_bytes(table: Path = Path("/proc/meminfo")) -> int:
    try:
        lines = table.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return 8 * 1024**3  # not Linux: assume a small machine of today
