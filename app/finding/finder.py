"""Finding a model: what the catalogue has for this machine, and what a search of the Hub finds.

Both ask things that take a while (a child for the devices, the Hub), so they are done on threads of their
own. Knows no clients; starts no download.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

import msgspec

from app.domain.catalogue import HubModel, HubSort, Selection
from app.domain.notice import Notice, NoticeCode
from app.errors import BugError, CoveError, KnownError
from app.finding.fit import fit
from app.finding.picks import offers
from app.models.catalogue import catalogue
from app.models.hub import ModelHub
from app.models.quant import pick
from app.planning.plan import Machine

log = logging.getLogger(__name__)

R = TypeVar("R")
T = TypeVar("T", bound="Abortable")

MOST_FOUND = 100
_SIZES_AT_ONCE = 6
# Devices come and go, but not between two looks at a list.
_MACHINE_S = 60.0


class Abortable(Protocol):
    def abort(self) -> None: ...


class Finder:
    """Every method but `close` returns at once; `on_done` is called once, on another thread, with the outcome
    or with the Notice that says why there is none."""

    def __init__(
        self, hub: ModelHub, machine: Callable[[], Machine], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hub = hub
        self._machine = machine
        self._clock = clock
        self._seen: tuple[float, Machine] | None = None
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._open: list[Abortable] = []
        self._is_closing = False
        self._worker = ThreadPoolExecutor(2, thread_name_prefix="finder")
        self._sizes = ThreadPoolExecutor(_SIZES_AT_ONCE, thread_name_prefix="finder-sizes")

    def recommend(self, on_done: Callable[[Selection | Notice], None]) -> None:
        """Needs no network."""
        self._submit(self._selection, on_done)

    def search(
        self,
        words: str,
        environment: Mapping[str, str],
        on_done: Callable[[tuple[HubModel, ...] | Notice], None],
        *,
        sort: HubSort = HubSort.DOWNLOADS,
        author: str = "",
        limit: int = MOST_FOUND,
    ) -> None:
        """Finds repositories of GGUF files, best first."""
        most = max(1, min(limit, MOST_FOUND))
        self._submit(lambda: self._found(words, environment, sort, author, most), on_done)

    def close(self) -> None:
        """Ends what is under way; returns when nothing is left."""
        with self._lock:
            self._is_closing = True
            for each in self._open:
                each.abort()
        self._worker.shutdown(wait=True)
        self._sizes.shutdown(wait=True)

    # On the finder's threads

    def _selection(self) -> Selection:
        known = catalogue()
        return Selection(offers=offers(known.models, self._this_machine()), checked=known.checked)

    def _found(
        self, words: str, environment: Mapping[str, str], sort: HubSort, author: str, limit: int
    ) -> tuple[HubModel, ...]:
        with self._hub.search(environment) as search, self._abortable(search):
            models = search.models(words, sort, author, limit)
        machine = self._this_machine()
        return tuple(self._sizes.map(lambda model: self._sized(model, environment, machine), models))

    def _sized(self, model: HubModel, environment: Mapping[str, str], machine: Machine) -> HubModel:
        """Adds what a pull would fetch. A search has no sizes; a repo that refuses stays without."""
        if not model.quant and not model.quants:
            return model
        try:
            with self._hub.session(model.repo, "main", environment, "search") as repo, self._abortable(repo):
                group = pick(repo.listing().groups, None, model.repo)
        except KnownError as error:
            log.info("No size of %s: %s", model.repo, error)
            return model
        if group is None or not group.size_bytes:
            return model
        return msgspec.structs.replace(
            model,
            quant=group.quant,
            size_bytes=group.size_bytes,
            fit=fit(group.size_bytes, None, machine),
        )

    def _this_machine(self) -> Machine:
        with self._looking:
            now = self._clock()
            if self._seen is None or now - self._seen[0] > _MACHINE_S:
                self._seen = (now, self._machine())
            return self._seen[1]

    @contextmanager
    def _abortable(self, session: T) -> Iterator[T]:
        with self._lock:
            self._open.append(session)
            if self._is_closing:
                session.abort()
        try:
            yield session
        finally:
            with self._lock:
                self._open.remove(session)

    def _submit(self, work: Callable[[], R], on_done: Callable[[R | Notice], None]) -> None:
        self._worker.submit(lambda: on_done(_outcome(work)))


def _outcome(work: Callable[[], R]) -> R | Notice:
    try:
        return work()
    except KnownError as error:
        return error.notice
    except Exception as error:
        log.exception("A search for models failed")
        known = error if isinstance(error, CoveError) else BugError(f"{type(error).__name__}: {error}")
        return Notice(code=NoticeCode.BUG, facts=dict(known.notice.facts))
