"""Where the files of a repo may be put. Names come from the far side and are trusted with nothing."""

from __future__ import annotations

import re
from pathlib import Path

from app.domain.notice import NoticeCode
from app.downloads.parts import Place
from app.errors import KnownError

MAX_DEPTH = 6
_SAFE = re.compile(r"\w[\w .+()\[\]=,@-]{0,180}")
# Windows keeps these for devices, whatever follows the first dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{digit}" for kind in ("com", "lpt") for digit in range(10))}


def place_for(models: Path, repo: str, filename: str) -> Place:
    """Returns the place of a repo's file below the models folder: the repo's name, then its own path."""
    return Place(models.joinpath(*plain_parts(repo, filename)))


def plain_parts(repo: str, filename: str) -> tuple[str, ...]:
    """Returns the folders and the name under which a repo's file is kept.

    Raises KnownError (DOWNLOAD_CORRUPT) for a name that is more than a plain relative path to a GGUF.
    """
    parts = (*repo.split("/"), *filename.split("/"))
    is_plain = len(parts) <= MAX_DEPTH and all(map(is_plain_name, parts))
    if not is_plain or not filename.lower().endswith(".gguf"):
        raise KnownError.of(NoticeCode.DOWNLOAD_CORRUPT, file=filename[:200])
    return parts


def is_plain_name(name: str) -> bool:
    """True for a name that means the same file, and only a file in this folder, on every system."""
    return (
        _SAFE.fullmatch(name) is not None
        and not name.endswith((".", " "))
        and name.split(".")[0].strip().lower() not in _DEVICES
    )
