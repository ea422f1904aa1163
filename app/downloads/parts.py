"""What is there of a file that is not whole yet: a map of its bytes, and the journal that says so on disk."""

from __future__ import annotations

import bisect
from pathlib import Path

from app.domain.value import Value, from_json
from app.models.hub import Identity

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

    @property
    def front(self) -> int:
        """How much is there from the beginning on without a gap."""
        return self._done[0][1] if self._done and self._done[0][0] == 0 else 0

    def gap(self, start: int = 0, end: int | None = None) -> Range | None:
        """Returns the first range that is missing between two places, None when all is there."""
        end = self.size if end is None else end
        following = self._first_beyond(start)
        if following < len(self._done) and self._done[following][0] <= start:
            start = self._done[following][1]
            following += 1
        if start >= end:
            return None
        limit = self._done[following][0] if following < len(self._done) else end
        return start, min(limit, end)

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

    def remove(self, start: int, end: int) -> None:
        """Marks a range as missing."""
        if start >= end:
            return
        kept: list[Range] = []
        for low, high in self._done:
            kept += [each for each in ((low, min(high, start)), (max(low, end), high)) if each[0] < each[1]]
        self._done = kept

    def _first_beyond(self, at: int) -> int:
        """The first range that ends behind a place."""
        return bisect.bisect_right(self._done, at, key=lambda part: part[1])


class Journal(Value):
    """What is written beside a part file. `sums` are the checksums of chunks that were read back whole."""

    identity: Identity
    done: tuple[Range, ...] = ()
    is_verified: bool = False
    chunk_bytes: int = 0
    sums: dict[int, int] = {}


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
