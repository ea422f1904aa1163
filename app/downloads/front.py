"""The beginning of a file that is there without a gap: read back and hashed while the rest still comes.

Each whole chunk gets a checksum of ours, kept in the journal. When a later host reads the front again, a
chunk with another checksum was harmed on the disk meanwhile and is dropped, which costs one chunk, not all.
A crc is enough for that: whether the file is right is what its sha256 says.
"""

from __future__ import annotations

import hashlib
import zlib

from app.downloads.partfile import PartFile

STEP_BYTES = 4 * 1024 * 1024


class Front:
    """For the thread that made the part file."""

    def __init__(self, part: PartFile) -> None:
        self.at = 0
        self._part = part
        self._sha256 = hashlib.sha256()
        self._sum = 0
        self._starts = [self._sha256.copy()]  # what the hash was where each chunk begins

    @property
    def is_done(self) -> bool:
        return self.at == self._part.identity.size_bytes

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def advance(self) -> bool:
        """Hashes the next piece of what is there; False when there is none."""
        number = self.at // self._part.chunk_bytes
        end = self._part.chunk(number)[1]
        wanted = min(self.at + STEP_BYTES, end, self._part.front)
        if wanted <= self.at:
            return False
        data = self._part.read(self.at, wanted)
        if len(data) < wanted - self.at:  # someone cut the file short
            self._drop(number)
            return True
        self._sha256.update(data)
        self._sum = zlib.crc32(data, self._sum)
        self.at = wanted
        if self.at == end:
            self._close(number)
        return True

    def rewind(self, number: int) -> None:
        """Goes back to where a chunk begins."""
        self._sha256 = self._starts[number].copy()
        del self._starts[number + 1 :]
        self._sum = 0
        self.at = self._part.chunk(number)[0]

    def _close(self, number: int) -> None:
        if self._part.sums.setdefault(number, self._sum) != self._sum:
            self._drop(number)
            return
        self._sum = 0
        self._starts.append(self._sha256.copy())

    def _drop(self, number: int) -> None:
        self._part.drop(*self._part.chunk(number))
        self.rewind(number)
