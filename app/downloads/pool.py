"""Several threads that fetch one file, a chunk each at a time, first things first.

Promises: one that fails for good leaves its chunk to the others, and only the last one's failure counts; a
server that asks to be left alone is, by all; a server that ignores ranges is asked by one only. `close` ends
them at once: one that hangs in a connection attempt is left behind and can write nothing any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from app.downloads.fetcher import Fetcher, Superseded
from app.downloads.partfile import PartFile
from app.downloads.patience import Limits, Patience, StopFlag, Stopped, StopReason
from app.downloads.task import FileTask
from app.downloads.throttle import Throttle
from app.models.hub import RemoteRepo
from app.network.door import PassingError

JOIN_S = 1.0
JOURNAL_S = 0.01

OpenRemote = Callable[[], AbstractContextManager[RemoteRepo]]


class Pool:
    """Made, staffed, checked and closed by one thread."""

    def __init__(
        self, open_remote: OpenRemote, task: FileTask, part: PartFile, limits: Limits, throttle: Throttle
    ) -> None:
        self.part = part
        self.task = task
        self.limits = limits
        self.throttle = throttle
        self.halt = StopFlag()
        self._open_remote = open_remote
        self._changed = threading.Condition()
        self._allowed = min(limits.ranges, len(part.chunks))
        self._taken: set[int] = set()
        self._threads: list[threading.Thread] = []
        self._fetchers: dict[Fetcher, RemoteRepo] = {}
        self._sole: Fetcher | None = None
        self._quiet_until = 0.0
        self._failure: Exception | None = None

    def staff(self) -> None:
        """Starts fetchers while there is something that nobody fetches."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for _ in range(self._allowed - len(self._threads)):
            if self._next_chunk() is None:
                return
            thread = threading.Thread(target=self._work, name="download-range", daemon=True)
            self._threads.append(thread)
            thread.start()

    def check(self) -> None:
        """Raises what ended the fetching."""
        with self._changed:
            if self._failure is not None and self._is_over:
                raise self._failure

    def wait(self, seconds: float) -> None:
        """Returns after a time, or as soon as a fetcher has ended or needs a checkpoint."""
        with self._changed:
            if not self._is_over:
                self._changed.wait(seconds)

    def close(self) -> None:
        self.halt.set(StopReason.CLOSE)
        with self._changed:
            remotes = tuple(self._fetchers.values())
        for remote in remotes:
            remote.abort()
        deadline = time.monotonic() + JOIN_S
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))

    # For fetchers

    def take(self) -> int | None:
        """Returns the first chunk with a gap that nobody is at, and takes it."""
        with self._changed:
            number = self._next_chunk()
            if number is not None:
                self._taken.add(number)
            return number

    def give_back(self, number: int) -> None:
        with self._changed:
            self._taken.discard(number)

    def be_sole(self, fetcher: Fetcher) -> None:
        """Ranges are ignored: the first to see it goes on alone. Raises `Superseded`."""
        with self._changed:
            self._sole = self._sole or fetcher
            self._allowed = 1
            others = [remote for each, remote in self._fetchers.items() if each is not self._sole]
        for remote in others:
            remote.abort()
        self.check_place(fetcher)

    @property
    def is_single(self) -> bool:
        return self._sole is not None

    def check_place(self, fetcher: Fetcher) -> None:
        """Raises `Superseded`, or `Stopped`."""
        self.halt.check()
        if self._sole not in (None, fetcher):
            raise Superseded

    def hold(self, seconds: float) -> None:
        with self._changed:
            self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)

    def wait_for_quiet(self) -> None:
        """Waits as long as the server asked for. Raises `Stopped`."""
        while (left := self._quiet_until - time.monotonic()) > 0:
            self.halt.wait(left)

    def wait_for_journal(self) -> None:
        """Waits while so much is not saved that a kill would cost too much. Raises `Stopped`."""
        while not self.part.has_room:
            with self._changed:
                self._changed.notify_all()  # whoever keeps the journal
            self.halt.wait(JOURNAL_S)

    @property
    def _is_over(self) -> bool:
        return self._allowed <= 0 or not isinstance(self._failure, PassingError | None)

    def _next_chunk(self) -> int | None:
        at = 0
        while (gap := self.part.gap(at)) is not None:
            number = gap[0] // self.part.chunk_bytes
            if number not in self._taken:
                return number
            at = self.part.chunk(number)[1]
        return None

    def _work(self) -> None:
        fetcher = Fetcher(self, Patience(self.halt, self.limits.delays_s))
        try:
            with self._open_remote() as remote:
                with self._changed:
                    self._fetchers[fetcher] = remote
                fetcher.run(remote)
        except (Stopped, Superseded):
            pass
        except Exception as error:  # the top of a thread: whoever made the pool hears of it
            self._fail(fetcher, error)
        self._leave(fetcher)

    def _fail(self, fetcher: Fetcher, error: Exception) -> None:
        with self._changed:
            is_superseded = self._sole not in (None, fetcher)
            if self.halt.is_set or is_superseded:
                return  # that was the abort
            self._allowed -= 1
            if isinstance(self._failure, PassingError | None):
                self._failure = error

    def _leave(self, fetcher: Fetcher) -> None:
        with self._changed:
            self._fetchers.pop(fetcher, None)
            if self._sole is fetcher:
                self._sole = None
            self._changed.notify_all()
