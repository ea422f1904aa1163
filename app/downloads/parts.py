"""A file that is not whole yet: its bytes so far and a journal that says which of them can be trusted.

Promise: what the journal claims has reached the disk before the journal does, so whatever kills the process
or the machine, at most the last second of a transfer is fetched again and no wrong byte is kept.
"""

from __future__ import annotations

import bisect
import contextlib
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from app.domain.notice import Action, NoticeCode
from app.domain.value import Value, from_json, to_json
from app.errors import KnownError
from app.models.hub import Identity

CHECKPOINT_BYTES = 8 * 1024 * 1024
CHECKPOINT_S = 1.0
READ_BYTES = 1024 * 1024

Range = tuple[int, int]


class PartMap:
    """Which bytes of a file are there: ranges [start, end), in order, apart from each other."""

    def __init__(self, size: int, done: tuple[Range, ...] = ()) -> None:
        """Raises `ValueError` for ranges that are not in order within the size."""
        edges = [edge for part in done for edge in part]
        if edges != sorted(set(edges)) or any(not 0 <= edge <= size for edge in edges):
            raise ValueError("ranges")
        self.size = size
        self._done = list(done)

    @property
    def done(self) -> tuple[Range, ...]:
        return tuple(self._done)

    @property
    def done_bytes(self) -> int:
        return sum(end - start for start, end in self._done)

    def gap(self) -> Range | None:
        """Returns the first range that is missing, None when all is there."""
        start = 0
        for done_start, done_end in self._done:
            if done_start > start:
                return start, done_start
            start = done_end
        return (start, self.size) if start < self.size else None

    def add(self, start: int, end: int) -> None:
        """Marks a range as there, joining it with those it touches."""
        if start >= end:
            return
        first = bisect.bisect_left(self._done, start, key=lambda part: part[1])
        last = bisect.bisect_right(self._done, end, key=lambda part: part[0])
        touched = self._done[first:last]
        low = min([start, *(part[0] for part in touched)])
        high = max([end, *(part[1] for part in touched)])
        self._done[first:last] = [(low, high)]


class Journal(Value):
    """What is written beside a part file."""

    identity: Identity
    done: tuple[Range, ...] = ()
    is_verified: bool = False


class Place:
    """Where one file of a transfer goes, and where it waits until it is whole."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.part = target.with_name(target.name + ".part")
        self.journal = target.with_name(target.name + ".part.json")
        self.new_journal = target.with_name(target.name + ".part.json.new")

    def read_journal(self) -> Journal | None:
        """Returns the part's journal if it can be believed: ranges in order, and a file that is that long."""
        journal = self._journal()
        try:
            length = self.part.stat().st_size
        except OSError:
            return None
        return journal if journal and length >= max((end for _, end in journal.done), default=0) else None

    def is_finished(self, identity: Identity) -> bool:
        """Whether the whole file was verified and moved into place by a transfer that did not end."""
        journal = self._journal()
        is_moved = journal is not None and journal.is_verified and not self.part.exists()
        if journal is None or not is_moved or not journal.identity.is_same(identity):
            return False
        return self.target.is_file() and self.target.stat().st_size == identity.size_bytes

    def discard(self) -> None:
        """Deletes the part and its journal, the journal first: without it nothing is trusted."""
        for path in (self.journal, self.new_journal, self.part):
            path.unlink(missing_ok=True)

    def _journal(self) -> Journal | None:
        try:
            journal = from_json(self.journal.read_bytes(), Journal)
            PartMap(journal.identity.size_bytes, journal.done)
        except (OSError, ValueError):
            return None
        return journal


class PartFile:
    """A part file open for writing; for one thread. Raises KnownError: DISK_FULL, HOME_NOT_WRITABLE."""

    def __init__(self, place: Place, identity: Identity, clock: Callable[[], float] = time.monotonic) -> None:
        """Goes on with what is there if it is of the same identity; `was_dropped` says that it was not."""
        self.place = place
        self.identity = identity
        self._clock = clock
        journal = place.read_journal()
        is_same = journal is not None and journal.identity.is_same(identity)
        self.was_dropped = journal is not None and not is_same and bool(journal.done)
        self.map = PartMap(identity.size_bytes, journal.done if journal and is_same else ())
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._unsaved = 0
        self._saved_at = clock()
        with self._disk():
            place.target.parent.mkdir(parents=True, exist_ok=True)
            if not is_same:
                place.discard()
            mode = "r+b" if place.part.exists() else "w+b"
            # Unbuffered: after a full disk nothing half-written may wait to be flushed.
            self._file = place.part.open(mode, buffering=0)

    def write(self, offset: int, data: bytes) -> None:
        with self._disk():
            self._file.seek(offset)
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        self.map.add(offset, offset + len(data))
        if offset == self._hashed:
            self._hash.update(data)
            self._hashed += len(data)
        self._unsaved += len(data)
        if self._unsaved >= CHECKPOINT_BYTES or self._clock() - self._saved_at >= CHECKPOINT_S:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Makes everything written so far survive anything."""
        if not self._unsaved:
            return
        with self._disk():
            os.fsync(self._file.fileno())
            self._save(is_verified=False)
        self._unsaved = 0
        self._saved_at = self._clock()

    def digest(self, keep_going: Callable[[], None] = lambda: None) -> str:
        """Returns the file's sha256. What was written in order was hashed on the way; the rest is read back.
        `keep_going` is called now and then and may raise."""
        with self._disk():
            self._file.seek(self._hashed)
        while True:
            keep_going()
            with self._disk():
                chunk = self._file.read(min(READ_BYTES, self.identity.size_bytes - self._hashed))
            if not chunk:
                return self._hash.hexdigest()
            self._hash.update(chunk)
            self._hashed += len(chunk)

    def finish(self) -> None:
        """Moves the whole, verified file into place. The journal stays until the transfer is done."""
        with self._disk():
            self._file.truncate(self.identity.size_bytes)
            os.fsync(self._file.fileno())
            self._save(is_verified=True)
            self._file.close()
            self.place.part.replace(self.place.target)
            sync_folder(self.place.target.parent)

    def discard(self) -> None:
        """Closes and deletes it."""
        self.close()
        self.place.discard()

    @property
    def is_closed(self) -> bool:
        return self._file.closed

    def close(self) -> None:
        self._file.close()

    def _save(self, *, is_verified: bool) -> None:
        journal = Journal(identity=self.identity, done=self.map.done, is_verified=is_verified)
        with self.place.new_journal.open("wb") as file:
            file.write(to_json(journal))
            file.flush()
            os.fsync(file.fileno())
        self.place.new_journal.replace(self.place.journal)

    @contextlib.contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            missing = self.identity.size_bytes - self.map.done_bytes
            raise disk_fault(error, self.place.target.parent, missing) from error


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
