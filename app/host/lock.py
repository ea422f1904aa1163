"""One host a home: an operating system's lock, held for life. Never a test of process ids."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


class HostLock:
    """Take it first, release it last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(str(path), mode=0o600)
        self._identity: tuple[int, int] | None = None

    def take(self) -> bool:
        """Whether this process now is the home's host. Raises OSError when the home cannot be written."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        self._identity = _identity(self._path)
        return True

    def release(self) -> None:
        self._identity = None
        self._lock.release()

    @property
    def is_ours(self) -> bool:
        """False once the file, or the home around it, has been removed or replaced under us."""
        return self._identity is not None and _identity(self._path) == self._identity


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino
