"""A whole file with the wrong hash: its chunks are fetched again, and what differs is put right.

Bounded: a pass over all chunks that finds no difference, or MAX_PASSES of them, ends it. What a server
always sends wrong cannot be told from what it should be.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.downloads.fetcher import corrupt, cut_short, pieces
from app.downloads.front import Front
from app.downloads.partfile import PartFile
from app.downloads.patience import Limits, Patience, StopFlag
from app.downloads.task import FileTask
from app.downloads.throttle import Throttle
from app.models.hub import RemoteRepo
from app.network.door import PassingError

MAX_PASSES = 2


class Repair:
    """For the thread that made the part file."""

    def __init__(
        self,
        remote: RemoteRepo,
        task: FileTask,
        part: PartFile,
        front: Front,
        stop: StopFlag,
        limits: Limits,
        throttle: Throttle,
    ) -> None:
        self._remote = remote
        self._task = task
        self._part = part
        self._front = front
        self._stop = stop
        self._limits = limits
        self._throttle = throttle

    def run(self, patience: Patience) -> None:
        """Returns when the hash is right. Raises KnownError (DOWNLOAD_CORRUPT, what the network or the disk
        said), `Stopped` and `FileChangedError`; what was put right by then is kept."""
        for _ in range(MAX_PASSES):
            has_differed = False
            for number in self._part.chunks:
                if not self._differed(number, patience):
                    continue
                has_differed = True
                self._front.rewind(number)
                while self._front.advance():
                    self._stop.check()
                if self._front.sha256 == self._task.identity.sha256:
                    return
            if not has_differed:
                break
        raise corrupt(self._task)

    def _differed(self, number: int, patience: Patience) -> bool:
        """Fetches a chunk again and puts it right; whether that was needed."""
        start, end = self._part.chunk(number)
        has_differed = False
        while start < end:
            try:
                for at, piece in self._fetched(start, end):
                    self._stop.check()
                    self._throttle.take(len(piece), self._stop)
                    has_differed |= self._part.rewrite(at, piece)
                    start = at + len(piece)
                    patience.progressed(len(piece))
                if start < end:
                    raise cut_short(self._remote)
            except PassingError as error:
                patience.endure(error)
        if self._part.is_checkpoint_due:
            self._part.checkpoint()
        return has_differed

    def _fetched(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        task = self._task
        answer = self._remote.fetch(
            task.commit, task.entry, task.identity, start, end, self._limits.silence_s
        )
        with answer as body:
            for piece in pieces(body, start, end):
                yield start, piece
                start += len(piece)
