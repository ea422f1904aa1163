"""A file that is not whole yet, open: several threads fill its gaps, one reads it back and keeps the journal.

Promise: what the journal claims has reached the disk before the journal does, so whatever kills the process
or the machine, what came since the last checkpoint (a second, and never more than two chunks) is fetched
again and no wrong byte is kept. Bytes that are there are never written again by `write`, so what was read
back stays what it was.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator

from app.domain.notice import NoticeCode
from app.domain.value import to_json
from app.downloads.disk import disk_fault, sync_folder
from app.downloads.parts import Journal, PartMap, Place, Range
from app.errors import KnownError
from app.models.hub import Identity

CHECKPOINT_S = 1.0
ROOM_BYTES = 256 * 1024  # enough for a journal


class PartFile:
    """`write` and what tells of gaps are for any thread, the rest for the one that made it.
    Raises KnownError: DISK_FULL, HOME_NOT_WRITABLE."""

    def __init__(
        self,
        place: Place,
        identity: Identity,
        chunk_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Goes on with what is there if it is of the same identity; `was_dropped` says that it was not."""
        self.place = place
        self.identity = identity
        self.chunk_bytes = chunk_bytes
        self._clock = clock
        self._lock = threading.Lock()
        journal = place.read_journal()
        is_same = journal is not None and journal.identity.is_same(identity)
        self.was_dropped = journal is not None and not is_same and bool(journal.done)
        self._map = PartMap(identity.size_bytes, journal.done if journal and is_same else ())
        has_sums = journal is not None and is_same and journal.chunk_bytes == chunk_bytes
        self.sums: dict[int, int] = dict(journal.sums) if journal and has_sums else {}
        self._unsaved = self._saving = 0
        self._saved_at = clock()
        with self._disk():
            place.target.parent.mkdir(parents=True, exist_ok=True)
            if not is_same:
                place.discard()
            mode = "r+b" if place.part.exists() else "w+b"
            # Unbuffered: after a full disk nothing half-written may wait to be flushed.
            with contextlib.ExitStack() as opened:
                self._file = opened.enter_context(place.part.open(mode, buffering=0))
                self._reader = place.part.open("rb", buffering=0)
                opened.pop_all()

    # For any thread

    @property
    def done_bytes(self) -> int:
        with self._lock:
            return self._map.done_bytes

    @property
    def done(self) -> tuple[Range, ...]:
        with self._lock:
            return self._map.done

    @property
    def front(self) -> int:
        with self._lock:
            return self._map.front

    def gap(self, start: int = 0, end: int | None = None) -> Range | None:
        with self._lock:
            return self._map.gap(start, end)

    @property
    def has_room(self) -> bool:
        """Whether more may be written before a checkpoint; a slow disk would fall behind without end."""
        return self._unsaved + self._saving < 2 * self.chunk_bytes

    def write(self, offset: int, data: bytes) -> None:
        """Fills the gaps that the data covers; what is there already stays."""
        end = min(offset + len(data), self.identity.size_bytes)
        with self._lock:
            while (gap := self._map.gap(offset, end)) is not None:
                with self._disk():
                    self._put(gap[0], memoryview(data)[gap[0] - offset : gap[1] - offset])
                self._map.add(*gap)
                self._unsaved += gap[1] - gap[0]

    # For the thread that made it

    def chunk(self, number: int) -> Range:
        return number * self.chunk_bytes, min((number + 1) * self.chunk_bytes, self.identity.size_bytes)

    @property
    def chunks(self) -> range:
        return range(-(-self.identity.size_bytes // self.chunk_bytes))

    def read(self, start: int, end: int) -> bytes:
        with self._disk():
            self._reader.seek(start)
            return self._reader.read(end - start)

    def rewrite(self, offset: int, data: bytes) -> bool:
        """Puts data over what is there where it differs; returns whether it did."""
        if self.read(offset, offset + len(data)) == data:
            return False
        with self._lock, self._disk():
            self.sums.pop(offset // self.chunk_bytes, None)
            self._put(offset, memoryview(data))
            self._unsaved += len(data)
        return True

    def drop(self, start: int, end: int) -> None:
        """Takes a range for missing: what the disk has there is not what was put there."""
        with self._lock:
            self._map.remove(start, end)
            self._unsaved += 1
        for number in range(start // self.chunk_bytes, -(-end // self.chunk_bytes)):
            self.sums.pop(number, None)

    @property
    def is_checkpoint_due(self) -> bool:
        is_time = self._unsaved > 0 and self._clock() - self._saved_at >= CHECKPOINT_S
        return is_time or self._unsaved >= self.chunk_bytes

    def checkpoint(self) -> None:
        """Makes everything written so far survive anything."""
        with self._lock:
            self._saving, self._unsaved, done = self._unsaved, 0, self._map.done
        if not self._saving:
            return
        try:
            with self._disk():
                os.fsync(self._file.fileno())
                self._save(done, is_verified=False)
        except KnownError:
            with self._lock:
                self._unsaved += self._saving
            raise
        finally:
            self._saving = 0
        self._saved_at = self._clock()

    def checkpoint_at_last(self) -> None:
        """A checkpoint also on a disk that has no room for the journal: the end of what came makes way."""
        try:
            self.checkpoint()
        except KnownError as error:
            if error.notice.code is not NoticeCode.DISK_FULL:
                raise
            self._make_way()
            self.checkpoint()

    def finish(self) -> None:
        """Moves the whole, verified file into place. The journal stays until the transfer is done."""
        with self._disk():
            self._file.truncate(self.identity.size_bytes)
            os.fsync(self._file.fileno())
            self._save(self.done, is_verified=True)
            self.close()
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
        with self._lock:
            self._file.close()
            self._reader.close()

    def _put(self, offset: int, data: memoryview) -> None:
        self._file.seek(offset)
        while data:
            data = data[self._file.write(data) :]

    def _make_way(self) -> None:
        with self._lock, self._disk():
            if not self._map.done:
                return
            low, high = self._map.done[-1]
            cut = max(low, high - ROOM_BYTES)
            self._file.truncate(cut)
            self._map.remove(cut, high)

    def _save(self, done: tuple[Range, ...], *, is_verified: bool) -> None:
        journal = Journal(
            identity=self.identity,
            done=done,
            is_verified=is_verified,
            chunk_bytes=self.chunk_bytes,
            sums=self.sums,
        )
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
            missing = self.identity.size_bytes - self._map.done_bytes
            raise disk_fault(error, self.place.target.parent, missing) from error
