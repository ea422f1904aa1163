"""One file on its way: from wherever it was left to whole, verified and in place.

Promises: a pause, a cut, a kill or a full disk costs nothing that the journal knows; what ends up under the
final name has the sha256 the Hub gives for it. Knows nothing of queues, quants or the library.

The thread that runs it hashes what has come, keeps the journal and watches the disk; the bytes are fetched by
the `pool`.
"""

from __future__ import annotations

import contextlib
from typing import Protocol

from app.domain.notice import NoticeCode
from app.downloads.disk import disk_full, free_bytes
from app.downloads.front import Front
from app.downloads.partfile import PartFile
from app.downloads.patience import Limits, Patience, StopFlag
from app.downloads.pool import OpenRemote, Pool
from app.downloads.repair import Repair
from app.downloads.task import FileTask
from app.downloads.throttle import Throttle
from app.errors import KnownError
from app.models.hub import RemoteRepo

LOOK_S = 0.05  # how soon a stop is felt


class Watcher(Protocol):
    """Hears how it goes, on the thread that does the work."""

    def fetching(self) -> None: ...

    def progressed(self, done_bytes: int) -> None: ...

    def verifying(self) -> None: ...

    def dropped(self) -> None:
        """What was there belonged to another file of that name; it begins anew."""


class FileTransfer:
    """For one thread. `remote` is that thread's own, `open_remote` makes one for each fetcher."""

    def __init__(
        self,
        remote: RemoteRepo,
        open_remote: OpenRemote,
        task: FileTask,
        stop: StopFlag,
        watcher: Watcher,
        limits: Limits,
        throttle: Throttle,
    ) -> None:
        self._remote = remote
        self._open_remote = open_remote
        self._task = task
        self._stop = stop
        self._watcher = watcher
        self._limits = limits
        self._throttle = throttle

    def run(self) -> None:
        """Returns when the file is in place. Raises `Stopped`, `FileChangedError`, or KnownError: what the
        network said, DISK_FULL, DOWNLOAD_CORRUPT (nothing is kept then)."""
        part = PartFile(self._task.place, self._task.identity, self._limits.chunk_bytes)
        try:
            if part.was_dropped:
                self._watcher.dropped()
            front = Front(part)
            self._bring(part, front)
            self._verify(part, front)
            part.finish()
        except KnownError as error:
            if error.notice.code is NoticeCode.DOWNLOAD_CORRUPT:
                part.discard()
            raise
        finally:
            _leave(part)

    def _bring(self, part: PartFile, front: Front) -> None:
        """Returns when all is there and hashed."""
        pool = Pool(self._open_remote, self._task, part, self._limits, self._throttle)
        is_verifying = False
        try:
            while not front.is_done:
                self._stop.check()
                pool.check()
                pool.staff()
                self._watcher.progressed(part.done_bytes)
                self._keep(part)
                if is_verifying is not (is_whole := part.gap() is None):
                    is_verifying = is_whole
                    self._watcher.verifying() if is_whole else self._watcher.fetching()
                if not front.advance():
                    pool.wait(LOOK_S)
        finally:
            pool.close()

    def _keep(self, part: PartFile) -> None:
        if not part.is_checkpoint_due:
            return
        part.checkpoint()
        folder = self._task.place.target.parent
        # Others live on this disk too, and we among them: a full one would stop chats from being kept.
        if part.gap() is not None and free_bytes(folder) < self._limits.reserve_bytes // 4:
            missing = self._task.identity.size_bytes - part.done_bytes
            raise disk_full(folder, missing + self._limits.reserve_bytes)

    def _verify(self, part: PartFile, front: Front) -> None:
        self._watcher.progressed(part.done_bytes)
        self._watcher.verifying()
        expected = self._task.identity.sha256
        if expected and front.sha256 != expected:
            parts = (self._remote, self._task, part, front, self._stop, self._limits, self._throttle)
            Repair(*parts).run(Patience(self._stop, self._limits.delays_s))
        self._stop.check()


def _leave(part: PartFile) -> None:
    """What came is kept, if the disk lets it be; what was in the way is said already."""
    if part.is_closed:
        return
    with contextlib.suppress(KnownError):
        part.checkpoint_at_last()
    part.close()
