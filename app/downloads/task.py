"""What one file's transfer is about."""

from __future__ import annotations

from dataclasses import dataclass

from app.downloads.parts import Place
from app.models.hub import Identity
from app.models.quant import FileEntry


@dataclass(frozen=True, slots=True)
class FileTask:
    """Which file is wanted, and where."""

    commit: str
    entry: FileEntry
    identity: Identity
    place: Place
