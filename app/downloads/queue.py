"""Models on their way into the library: what is asked for, what runs, what waits, what is left of the last
host.

Knows which transfers there are and who works on them; the work itself is `job`, the bytes are `transfer`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping

from app.domain.notice import NoticeCode
from app.domain.ports import TransferTable
from app.domain.transfer import Transfer, TransferState
from app.downloads.files import TransferFiles
from app.downloads.job import Job, OnPlanned
from app.downloads.patience import Limits, StopReason
from app.downloads.plan import Order
from app.downloads.states import ACTIVE, moved
from app.downloads.throttle import Throttle
from app.errors import KnownError
from app.models.hub import ModelHub
from app.models.library import Library
from app.paths import Paths

log = logging.getLogger(__name__)

MAX_RUNNING = 2
DEFAULT_LIMITS = Limits()
JOIN_S = 5.0


class Downloads:
    """Every method returns at once; the work is done on threads named `download-...`.

    `on_change`, `on_removed` and `on_planned` are called on those threads: repost them. A transfer's end is
    DONE (with `model_id`; the library has the model by then), FAILED (with `notice`; pulling again goes on),
    PAUSED (with a notice when the disk was full or the network switched off, without one when asked for) or
    CANCELLED (followed by `on_removed`).
    """

    def __init__(
        self,
        table: TransferTable,
        hub: ModelHub,
        library: Library,
        paths: Paths,
        *,
        on_change: Callable[[Transfer], None],
        on_removed: Callable[[str], None],
        max_running: int = MAX_RUNNING,
        limits: Limits = DEFAULT_LIMITS,
        max_rate: Callable[[], int] = lambda: 0,
    ) -> None:
        """`max_rate` is how many bytes a second may come in, 0 for as many as do; asked for all the time."""
        self.hub = hub
        self.library = library
        self.models = paths.models
        self.limits = limits
        self.throttle = Throttle(max_rate)
        self._table = table
        self._on_change = on_change
        self._on_removed = on_removed
        self._max_running = max_running
        self._lock = threading.RLock()
        self._turn = threading.Condition(self._lock)
        self._transfers: dict[str, Transfer] = {}
        self._jobs: list[Job] = []
        self._threads: list[threading.Thread] = []
        self._waiting: list[Job] = []
        self._running = 0
        self._is_closing = False

    @property
    def is_busy(self) -> bool:
        """True while anything is planned, transferred or verified."""
        with self._lock:
            return bool(self._jobs)

    def transfers(self) -> tuple[Transfer, ...]:
        """Returns all that are not done, and those that this host has finished, oldest first."""
        with self._lock:
            return tuple(sorted(self._transfers.values(), key=lambda transfer: transfer.created_ms))

    def resume_unfinished(self) -> None:
        """At start: reads the table; what was running when the last host ended is PAUSED."""
        for transfer in tuple(self._table.all()):
            is_active = transfer.state in ACTIVE
            at_rest = moved(transfer, TransferState.PAUSED) if is_active else transfer
            try:
                self.publish(TransferFiles(self.models, transfer).recounted(at_rest))
            except KnownError:
                log.error("A transfer in the store has impossible files: %s", transfer.id)
                self._table.remove(transfer.id)

    def pull(
        self,
        repo: str,
        quant: str | None,
        revision: str,
        environment: Mapping[str, str],
        on_planned: OnPlanned = lambda outcome: None,
    ) -> None:
        """Begins a download, or goes on with it. `on_planned` is called exactly once: with the transfer as
        soon as its files are known, or with what is in the way."""
        order = Order(repo=repo, quant=quant, revision=revision, environment=environment)
        job = Job(self, order, on_planned)
        with self._lock:
            self._jobs.append(job)
            if self._is_closing:
                job.stop.set(StopReason.CLOSE)
        self._spawn("download-pull", lambda: self._run(job))

    def resume(
        self, transfer_id: str, environment: Mapping[str, str], on_planned: OnPlanned = lambda outcome: None
    ) -> None:
        """`pull` for a known transfer. Raises KnownError (TRANSFER_NOT_FOUND)."""
        transfer = self._known(transfer_id)
        file = transfer.files[0].filename
        self.pull(transfer.repo, file, transfer.revision, environment, on_planned)

    def pause(self, transfer_id: str) -> None:
        """Raises KnownError (TRANSFER_NOT_FOUND)."""
        self._known(transfer_id)
        if job := self.holder(transfer_id):
            job.stop.set(StopReason.PAUSE)

    def cancel(self, transfer_id: str) -> None:
        """Ends a transfer and deletes what it fetched. Raises KnownError (TRANSFER_NOT_FOUND)."""
        self._known(transfer_id)
        if job := self.holder(transfer_id):
            job.stop.set(StopReason.CANCEL)
        else:
            self._spawn("download-cancel", lambda: self.drop(transfer_id))

    def move(self, transfer_id: str, place: int) -> None:
        """Gives a transfer that waits its turn another place in the line, 0 for the next; what runs is left
        alone. Raises KnownError (TRANSFER_NOT_FOUND)."""
        self._known(transfer_id)
        with self._turn:
            job = self.holder(transfer_id)
            if job is not None and job in self._waiting:
                self._waiting.remove(job)
                self._waiting.insert(place, job)
                self._turn.notify_all()

    def close(self) -> None:
        """Stops every thread; transfers keep their state and what is on disk. May be repeated."""
        with self._lock:
            self._is_closing = True
            jobs, threads = tuple(self._jobs), tuple(self._threads)
        for job in jobs:
            job.stop.set(StopReason.CLOSE)
        for thread in threads:
            thread.join(JOIN_S)
            if thread.is_alive():
                # Trying to connect cannot be aborted. It ends with the process, and nothing is lost by that.
                log.info("%s is left behind", thread.name)

    # What jobs need

    def get(self, transfer_id: str) -> Transfer | None:
        with self._lock:
            return self._transfers.get(transfer_id)

    def claim(self, job: Job, transfer_id: str) -> Transfer | None:
        while True:
            with self._lock:
                holder = self.holder(transfer_id)
                if holder is None:
                    job.transfer_id = transfer_id
                    return None
            if holder.stop.is_set:
                holder.ended.wait()
                continue
            holder.planned.wait()
            with self._lock:
                if holder in self._jobs and transfer_id in self._transfers:
                    return self._transfers[transfer_id]

    def holder(self, transfer_id: str) -> Job | None:
        with self._lock:
            return next((job for job in self._jobs if job.transfer_id == transfer_id), None)

    @contextlib.contextmanager
    def turn(self, job: Job) -> Iterator[None]:
        with self._turn:
            self._waiting.append(job)
            try:
                self._turn.wait_for(lambda: job.stop.is_set or self._may_run(job))
                job.stop.check()
                self._running += 1
            finally:
                self._waiting.remove(job)
                self._turn.notify_all()
        try:
            yield
        finally:
            with self._turn:
                self._running -= 1
                self._turn.notify_all()

    def wake(self) -> None:
        with self._turn:
            self._turn.notify_all()

    def publish(self, transfer: Transfer) -> None:
        with self._lock:
            before = self._transfers.get(transfer.id)
            self._transfers[transfer.id] = transfer
        if transfer.state is TransferState.DONE:
            self._table.remove(transfer.id)  # the library remembers it from here on
        elif before is None or (before.state, before.notice) != (transfer.state, transfer.notice):
            self._table.put(transfer)
        self._on_change(transfer)

    def drop(self, transfer_id: str) -> None:
        with self._lock:
            transfer = self._transfers.pop(transfer_id, None)
        if transfer is None:
            return
        if transfer.state is not TransferState.DONE:
            TransferFiles(self.models, transfer).discard()
        self._table.remove(transfer_id)
        self._on_change(moved(transfer, TransferState.CANCELLED))
        self._on_removed(transfer_id)

    def _run(self, job: Job) -> None:
        try:
            job.run()
        finally:
            with self._lock:
                self._jobs.remove(job)
            job.ended.set()

    def _spawn(self, name: str, work: Callable[[], None]) -> None:
        # Daemons, so that a connection attempt nobody waits for cannot hold up the end of the process.
        thread = threading.Thread(target=work, name=name, daemon=True)
        with self._lock:
            self._threads = [known for known in self._threads if known.is_alive()]
            self._threads.append(thread)
            thread.start()

    def _known(self, transfer_id: str) -> Transfer:
        transfer = self.get(transfer_id)
        if transfer is None:
            raise KnownError.of(NoticeCode.TRANSFER_NOT_FOUND, transfer_id=transfer_id)
        return transfer

    def _may_run(self, job: Job) -> bool:
        return self._waiting[0] is job and self._running < self._max_running
