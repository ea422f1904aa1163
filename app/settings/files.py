"""Writing a file so that, whatever happens, there is either the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path


class Files:
    """The steps that can fail, each its own method so that tests can make any of them fail."""

    def write(self, path: Path, data: bytes) -> int:
        """Makes a file private to the user with these bytes and returns its descriptor."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(os.dup(descriptor), "wb") as stream:
                stream.write(data)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)


def save(path: Path, data: bytes, files: Files) -> None:
    """Replaces the file at `path`. Raises `OSError`, leaving the file as it was and nothing beside it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = files.write(temporary, data)
        try:
            files.sync(descriptor)
        finally:
            os.close(descriptor)
        files.replace(temporary, path)
    except BaseException:
        files.remove(temporary)
        raise
