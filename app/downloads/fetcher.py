"""One of the threads that fetch a file: takes a chunk, asks for what it lacks, and again if that ends.

Knows nothing of hashes, of the journal, or of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from app.domain.notice import Action, NoticeCode
from app.downloads.partfile import PartFile
from app.downloads.patience import Limits, Patience, StopFlag
from app.downloads.task import FileTask
from app.downloads.throttle import Throttle
from app.errors import KnownError
from app.models.gguf import MAGIC
from app.models.hub import Body, RemoteRepo
from app.network.door import PassingError


class Superseded(Exception):
    """Another fetcher does all that is left."""


class Crew(Protocol):
    """What a fetcher needs of its pool."""

    part: PartFile
    task: FileTask
    limits: Limits
    throttle: Throttle
    halt: StopFlag

    @property
    def is_single(self) -> bool:
        """Whether the server ignores ranges, so that one fetcher takes all that it sends."""

    def take(self) -> int | None: ...

    def give_back(self, number: int) -> None: ...

    def be_sole(self, fetcher: Fetcher) -> None: ...

    def check_place(self, fetcher: Fetcher) -> None: ...

    def hold(self, seconds: float) -> None: ...

    def wait_for_quiet(self) -> None: ...

    def wait_for_journal(self) -> None: ...


class Fetcher:
    """For one thread."""

    def __init__(self, crew: Crew, patience: Patience) -> None:
        self._crew = crew
        self._patience = patience

    def run(self, remote: RemoteRepo) -> None:
        """Returns when nobody needs it any more. Raises `Stopped`, `Superseded`, `FileChangedError`, or
        KnownError: what the network or the disk said, DOWNLOAD_CORRUPT for what is no GGUF."""
        while (number := self._crew.take()) is not None:
            try:
                self._fill(remote, *self._crew.part.chunk(number))
            finally:
                self._crew.give_back(number)

    def _fill(self, remote: RemoteRepo, start: int, end: int) -> None:
        while (gap := self._crew.part.gap(start, end)) is not None:
            self._crew.wait_for_quiet()
            self._crew.check_place(self)
            try:
                self._fetch(remote, *gap)
            except PassingError as error:
                self._crew.check_place(self)
                self._crew.hold(error.retry_after_s or 0.0)
                self._patience.endure(error)

    def _fetch(self, remote: RemoteRepo, start: int, end: int) -> None:
        """Fills a gap as far as one request carries."""
        task, size = self._crew.task, self._crew.part.identity.size_bytes
        if self._crew.is_single:
            end = size
        answer = remote.fetch(task.commit, task.entry, task.identity, start, end, self._crew.limits.silence_s)
        with answer as body:
            if body.offset < start:
                self._crew.be_sole(self)
                end = size
            at = start
            for piece in pieces(body, start, end):
                self._crew.check_place(self)
                if at == 0 and not piece.startswith(MAGIC):
                    raise corrupt(task)
                self._crew.wait_for_journal()
                self._crew.throttle.take(len(piece), self._crew.halt)
                self._crew.part.write(at, piece)
                at += len(piece)
                self._patience.progressed(len(piece))
        if at < end:
            raise cut_short(remote)


def pieces(body: Body, start: int, end: int) -> Iterator[bytes]:
    """Yields what lies between two places: a server that ignores ranges sends more, before and behind it."""
    at = body.offset
    head = b""
    for chunk in body.chunks():
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


def cut_short(remote: RemoteRepo) -> PassingError:
    """It ended early and said so, which is a cut all the same."""
    error = PassingError.of(NoticeCode.NETWORK_UNREACHABLE, Action.RETRY, host=remote.host, detail="short")
    assert isinstance(error, PassingError)
    return error


def corrupt(task: FileTask) -> KnownError:
    return KnownError.of(NoticeCode.DOWNLOAD_CORRUPT, Action.PULL_AGAIN, file=task.entry.path)
