"""One pull from beginning to end, on a thread of its own: plan, wait for a turn, fetch, hand to the library.

Knows one transfer; which others there are is the queue's (`Desk`) business.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from app.domain.ids import now_ms
from app.domain.model import Model, ModelSource
from app.domain.notice import Action, Notice, NoticeCode
from app.domain.transfer import Transfer, TransferState
from app.downloads.disk import disk_full, free_bytes
from app.downloads.files import TransferFiles, identity_of, is_already_there
from app.downloads.patience import Limits, Patience, StopFlag, Stopped, StopReason
from app.downloads.plan import Order, Plan, make_plan
from app.downloads.report import Report
from app.downloads.task import FileTask
from app.downloads.throttle import Throttle
from app.downloads.transfer import FileTransfer
from app.errors import BugError, KnownError
from app.models.hub import FileChangedError, ModelHub, RemoteRepo
from app.models.library import Library
from app.network.door import PassingError

log = logging.getLogger(__name__)

MAX_PLANS = 5  # of a file that changes while it comes
WAITING = frozenset({NoticeCode.DISK_FULL, NoticeCode.OFFLINE})  # for someone to make room, or go online

OnPlanned = Callable[[Transfer | KnownError], None]


class Desk(Protocol):
    """What a job needs of the queue."""

    models: Path
    hub: ModelHub
    library: Library
    limits: Limits
    throttle: Throttle

    def get(self, transfer_id: str) -> Transfer | None: ...

    def claim(self, job: Job, transfer_id: str) -> Transfer | None:
        """Makes the job the one that works on a transfer; returns the transfer if another job does."""

    def turn(self, job: Job) -> contextlib.AbstractContextManager[None]:
        """Waits for the job's turn to transfer. Raises `Stopped`."""

    def wake(self) -> None:
        """Has jobs that wait look at their stop flags."""

    def publish(self, transfer: Transfer) -> None: ...

    def drop(self, transfer_id: str) -> None:
        """Deletes what a transfer fetched, and forgets it."""


class Job:
    """Made by the queue; `run` on a thread, `stop` from any."""

    def __init__(self, desk: Desk, order: Order, on_planned: OnPlanned) -> None:
        self.stop = StopFlag()
        self.planned = threading.Event()  # the queue knows its transfer, or there will be none
        self.ended = threading.Event()
        self.transfer_id: str | None = None  # set by `Desk.claim`
        self._desk = desk
        self._order = order
        self._on_planned: OnPlanned | None = on_planned
        self._report: Report | None = None

    def run(self) -> None:
        """Returns when the transfer is done, failed, or at rest; every outcome has been published."""
        try:
            self._carry_out()
        except Stopped:
            self._rest()
        except KnownError as error:
            # A connection that was aborted to stop looks like a fault of the network.
            self._rest() if self.stop.is_set else self._fail(error)
        except Exception as error:
            log.exception("A download failed unexpectedly")
            self._fail(KnownError(BugError(type(error).__name__).notice))
        finally:
            self.planned.set()

    def _carry_out(self) -> None:
        order, limits = self._order, self._desk.limits
        with self._desk.hub.session(order.repo, order.revision, order.environment) as remote:
            self.stop.when_set(lambda: self._interrupt(remote))
            # Whoever asked waits to hear what it comes to; later nobody does.
            patience = Patience(self.stop, limits.first_delays_s, limits.first_wait_s)
            for number in range(MAX_PLANS):
                plan = make_plan(remote, order, patience)
                patience = Patience(self.stop, limits.delays_s)  # nobody waits for an answer any more
                report = self._announced(plan)
                if report is None:
                    return
                with contextlib.suppress(FileChangedError), self._desk.turn(self):
                    self._fetch(remote, plan, report)
                    self._hand_over(plan, report)
                    return
                # Some say so of a file that is the same as ever, and mean that they are busy.
                self.stop.wait(limits.delays_s[min(number, len(limits.delays_s) - 1)])
        raise KnownError.of(NoticeCode.DOWNLOAD_CHANGED, Action.PULL_AGAIN, file=plan.entries[0].path)

    def _interrupt(self, remote: RemoteRepo) -> None:
        remote.abort()
        self._desk.wake()

    def _answer(self, outcome: Transfer | KnownError) -> None:
        """Once: whoever asked for the pull is told what it comes to."""
        on_planned, self._on_planned = self._on_planned, None
        if on_planned is not None:
            on_planned(outcome)

    # Planned

    def _announced(self, plan: Plan) -> Report | None:
        """Says what will be transferred; None when there is nothing for this job to do."""
        if self._report is not None:
            again = msgspec.structs.replace(self._report.transfer, files=plan.files)
            self._report.transfer = self._files(again).recounted(again)
            self._report.move(TransferState.QUEUED)
            return self._report
        if held := self._desk.claim(self, plan.transfer_id):
            self._answer(held)
            return None
        transfer = self._begun(plan)
        model = self._in_library(transfer)
        self._report = Report(_done(transfer, model) if model else transfer, self._desk.publish)
        # Published first: whoever is answered may ask for it at once.
        self._report.set(self._report.transfer)
        self.planned.set()
        self._answer(self._report.transfer)
        return None if model else self._report

    def _begun(self, plan: Plan) -> Transfer:
        known = self._desk.get(plan.transfer_id)
        transfer = Transfer(
            id=plan.transfer_id,
            repo=plan.order.repo,
            quant=plan.choice.group.quant,
            revision=plan.order.revision,
            files=plan.files,
            created_ms=known.created_ms if known else now_ms(),
        )
        return self._files(transfer).recounted(transfer)

    def _in_library(self, transfer: Transfer) -> Model | None:
        model = self._desk.library.find_source(transfer.repo, transfer.quant)
        return model if model and model.sha256 and model.sha256 == transfer.files[0].sha256 else None

    def _files(self, transfer: Transfer) -> TransferFiles:
        return TransferFiles(self._desk.models, transfer)

    # Transferring

    def _fetch(self, remote: RemoteRepo, plan: Plan, report: Report) -> None:
        transfer = report.transfer
        self._check_space(transfer)
        for index, place in enumerate(self._files(transfer).places):
            report.move(TransferState.RUNNING)
            task = FileTask(
                plan.choice.commit, plan.entries[index], identity_of(transfer.files[index]), place
            )
            if not is_already_there(place, task.identity, self.stop.check):
                self._transfer(remote, task, _FileReport(report, index))
            report.count(index, task.identity.size_bytes)

    def _transfer(self, remote: RemoteRepo, task: FileTask, watcher: _FileReport) -> None:
        desk, order = self._desk, self._order

        def open_remote() -> contextlib.AbstractContextManager[RemoteRepo]:
            return desk.hub.session(order.repo, order.revision, order.environment)

        FileTransfer(remote, open_remote, task, self.stop, watcher, desk.limits, desk.throttle).run()

    def _check_space(self, transfer: Transfer) -> None:
        missing = transfer.size_bytes - transfer.done_bytes
        needed = missing + self._desk.limits.reserve_bytes
        if missing and free_bytes(self._desk.models) < needed:
            raise disk_full(self._desk.models, needed)

    def _hand_over(self, plan: Plan, report: Report) -> None:
        """The library takes the files over; only then is nothing left to resume."""
        files = self._files(report.transfer)
        source = ModelSource(repo=plan.order.repo, revision=plan.choice.commit, filename=plan.entries[0].path)
        try:
            model = self._desk.library.add_file(files.places[0].target, source, plan.files[0].sha256)
        except KnownError:
            files.discard()
            raise
        files.forget_journals()
        report.set(_done(report.transfer, model))

    # Ends

    def _rest(self) -> None:
        """Ends as the stop flag says. A closing queue changes nothing: the next host finds it as it was."""
        report, reason = self._report, self.stop.reason
        if report is None:
            self._answer(_interrupted(0, 0))
        elif reason is StopReason.PAUSE:
            self._recount(report)
            report.move(TransferState.PAUSED)
        if reason is StopReason.CANCEL and self.transfer_id is not None:
            self._desk.drop(self.transfer_id)

    def _fail(self, error: KnownError) -> None:
        report = self._report
        if report is None:
            self._answer(error)
            return
        self._recount(report)
        if isinstance(error, PassingError):
            error = _interrupted(report.transfer.done_bytes, report.transfer.size_bytes, error.notice)
        is_waiting = error.notice.code in WAITING
        report.move(TransferState.PAUSED if is_waiting else TransferState.FAILED, error.notice)

    def _recount(self, report: Report) -> None:
        report.transfer = self._files(report.transfer).recounted(report.transfer)


class _FileReport:
    """What one file's transfer says, in the report of them all."""

    def __init__(self, report: Report, index: int) -> None:
        self._report = report
        self._index = index

    def fetching(self) -> None:
        self._report.move(TransferState.RUNNING)

    def progressed(self, done_bytes: int) -> None:
        self._report.count(self._index, done_bytes)

    def verifying(self) -> None:
        self._report.move(TransferState.VERIFYING)

    def dropped(self) -> None:
        file = self._report.transfer.files[self._index].filename
        self._report.last(Notice(code=NoticeCode.DOWNLOAD_CHANGED, facts={"file": file}))


def _done(transfer: Transfer, model: Model) -> Transfer:
    files = tuple(msgspec.structs.replace(file, done_bytes=file.size_bytes) for file in transfer.files)
    return msgspec.structs.replace(
        transfer,
        state=TransferState.DONE,
        files=files,
        model_id=model.id,
        notice=None,
        bytes_per_second=0.0,
        seconds_left=None,
    )


def _interrupted(kept_bytes: int, total_bytes: int, cause: Notice | None = None) -> KnownError:
    """Returns that a transfer stopped on its way, with the facts of what stopped it."""
    facts = {**(cause.facts if cause else {}), "kept_bytes": kept_bytes, "total_bytes": total_bytes}
    return KnownError.of(NoticeCode.DOWNLOAD_INTERRUPTED, Action.RESUME_DOWNLOAD, **facts)
