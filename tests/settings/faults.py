"""Files whose k-th step fails, as if the disk were full or the power gone."""

from __future__ import annotations

import errno
from pathlib import Path

from app.settings.files import Files


class FailingFiles(Files):
    """Fails at step `fail_at` (from 0); with `tears` a failing write leaves half of its bytes."""

    def __init__(self, fail_at: int = -1, code: int = errno.ENOSPC, *, tears: bool = False) -> None:
        self.fail_at = fail_at
        self.code = code
        self.tears = tears
        self.steps: list[str] = []

    def write(self, path: Path, data: bytes) -> int:
        if self._is_failing("write"):
            if self.tears:
                path.write_bytes(data[: len(data) // 2])
            raise OSError(self.code, "injected")
        return super().write(path, data)

    def sync(self, descriptor: int) -> None:
        if self._is_failing("sync"):
            raise OSError(self.code, "injected")
        super().sync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        if self._is_failing("replace"):
            raise OSError(self.code, "injected")
        super().replace(source, target)

    def _is_failing(self, step: str) -> bool:
        self.steps.append(step)
        return len(self.steps) - 1 == self.fail_at
