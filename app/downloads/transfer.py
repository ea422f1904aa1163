"""One file on its way: from wherever it was left to whole, verified and in place.

Promises: a pause, a cut, a kill or a full disk costs nothing that the journal knows; what ends up under the
final name has the sha256 the Hub gives for it. Knows nothing of queues, quants or the library.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, Protocol

from app.domain.notice import Action, NoticeCode
from app.downloads.parts import PartFile, Place
from app.downloads.patience import Patience, StopFlag
from app.errors import KnownError
from app.models.gguf import MAGIC
from app.models.hub import Body, Identity, RemoteRepo
from app.models.quant import FileEntry
from app.network.door import PassingError


@dataclass(frozen=True, slots=True)
class FileTask:
    """Which file is wanted, and where."""

    commit: str
    entry: FileEntry
    identity: Identity
    place: Place


class Watcher(Protocol):
    """Hears how it goes, on the thread that does the work."""

    def progressed(self, done_bytes: int) -> None: ...

    def verifying(self) -> None: ...

    def dropped(self) -> None:
        """What was there belonged to another file of that name; it begins anew."""


class FileTransfer:
    """For one thread."""

    def __init__(
        self,
        remote: RemoteRepo,
        task: FileTask,
        stop: StopFlag,
        watcher: Watcher,
        silence_s: float,
    ) -> None:
        self._remote = remote
        self._task = task
        self._stop = stop
        self._watcher = watcher
        self._silence_s = silence_s

    def run(self, patience: Patience) -> None:
        """Returns when the file is in place. Raises `Stopped`, `FileChangedError`, or KnownError: what the
        network said, DISK_FULL, DOWNLOAD_CORRUPT (nothing is kept then)."""
        part = PartFile(self._task.place, self._task.identity)
        try:
            if part.was_dropped:
                self._watcher.dropped()
            self._watcher.progressed(part.map.done_bytes)
            while (gap := part.map.gap()) is not None:
                try:
                    self._fetch(part, gap[0], gap[1], patience)
                except PassingError as error:
                    patience.endure(error)
            self._verify(part)
            part.finish()
        finally:
            part.close()

    def _fetch(self, part: PartFile, start: int, end: int, patience: Patience) -> None:
        """Fills a gap as far as one request carries."""
        task = self._task
        answer = self._remote.fetch(task.commit, task.entry, task.identity, start, end, self._silence_s)
        at = start
        try:
            with answer as body:
                for piece in self._pieces(body, start, end):
                    if at == 0 and not piece.startswith(MAGIC):
                        self._refuse(part)
                    part.write(at, piece)
                    at += len(piece)
                    patience.progressed(len(piece))
                    self._watcher.progressed(part.map.done_bytes)
        finally:
            if not part.is_closed:
                part.checkpoint()
        if at < end:
            # It ended early and said so, which is a cut all the same.
            raise PassingError.of(
                NoticeCode.NETWORK_UNREACHABLE, Action.RETRY, host=self._remote.host, detail="short"
            )

    def _pieces(self, body: Body, start: int, end: int) -> Iterator[bytes]:
        """Yields what lies in the gap: a server that ignores ranges sends more, before and behind it."""
        at = body.offset
        head = b""
        for chunk in body.chunks():
            self._stop.check()
            piece = chunk[max(start - at, 0) : max(end - at, 0)]
            at += len(chunk)
            if start == 0 and len(head) < len(MAGIC):  # the first bytes must come together to be looked at
                head += piece
                if len(head) < min(len(MAGIC), end):
                    continue
                piece = head
            if piece:
                yield piece
            if at >= end:
                return

    def _verify(self, part: PartFile) -> None:
        self._watcher.verifying()
        digest = part.digest(self._stop.check)
        if self._task.identity.sha256 and digest != self._task.identity.sha256:
            self._refuse(part)

    def _refuse(self, part: PartFile) -> NoReturn:
        part.discard()
        raise KnownError.of(NoticeCode.DOWNLOAD_CORRUPT, Action.PULL_AGAIN, file=self._task.entry.path)
