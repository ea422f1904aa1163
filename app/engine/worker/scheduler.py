"""Who computes next: requests wait, take a slot, and share every step with the others that have one.

People who watch go before other programs, those before background work; within a class the first comes
first. Every step evaluates one token of each answer in progress and, with the time that leaves, a piece of a
prompt. When the cache is too small for all, the youngest of the least urgent is parked and goes on later;
nothing it made is lost.
"""

from __future__ import annotations

import logging
import time
from bisect import insort
from collections.abc import Callable
from functools import partial

from app.domain.notice import Action, Notice, NoticeCode
from app.engine.base import Failed, GenerateRequest, RequestEvent
from app.engine.worker.batch import Part
from app.engine.worker.context import ABORTED, NO_ROOM, Context
from app.engine.worker.control import Control
from app.engine.worker.generate import Desk, Generation, Outcome
from app.engine.worker.job import Job
from app.engine.worker.pace import Pace
from app.engine.worker.slots import Slots
from app.errors import BugError, KnownError

log = logging.getLogger(__name__)


class Scheduler:
    """Drives the answers of one loaded model, one `step` at a time."""

    def __init__(
        self,
        desk: Desk,
        context: Context,
        slots: Slots,
        pace: Pace,
        control: Control,
        emit: Callable[[RequestEvent], None],
    ) -> None:
        self._desk = desk
        self._context = context
        self._slots = slots
        self._pace = pace
        self._control = control
        self._emit = emit
        self._waiting: list[Job] = []  # those that go first at the beginning; some are suspended
        self._active: list[Job] = []
        self._count = 0
        self._is_crowded = False

    @property
    def is_idle(self) -> bool:
        return not self._active and not self._waiting

    def add(self, request: GenerateRequest) -> None:
        self._count += 1
        insort(self._waiting, Job(Generation(request, self._desk, self._emit), self._count))

    def said(self) -> list[list[int]]:
        """Returns what every conversation consists of."""
        return self._slots.said()

    def reusable(self, prompt: list[int]) -> int:
        """Returns how much of a prompt would not have to be evaluated."""
        return self._slots.reusable(prompt)

    def answer_now(self, request_id: str) -> None:
        for job in (*self._active, *self._waiting):
            if job.id == request_id:
                job.generation.answer_now()

    def step(self) -> None:
        """Lets in who can be, and evaluates one batch."""
        self._drop_cancelled()
        if self._waiting:
            self._admit()
        jobs, parts = self._fill()
        if not parts:
            return
        try:
            result = self._context.decode(parts)
        except KnownError as error:
            for job in jobs:
                self._end(job, error.notice)
            return
        self._pass_on(jobs, parts, result)

    def close(self) -> None:
        """Ends everything."""
        for job in [*self._active, *self._waiting]:
            self._cancel(job)

    def _drop_cancelled(self) -> None:
        is_cancelled = self._control.is_cancelled
        for job in [each for each in (*self._active, *self._waiting) if is_cancelled(each.id)]:
            self._cancel(job)

    def _cancel(self, job: Job) -> None:
        job.generation.cancel()
        self._forget(job)

    def _admit(self) -> None:
        while self._waiting and self._may_try(self._waiting[0]):
            job = self._waiting[0]
            if job.generation.prompt is None:
                prepare = partial(job.generation.prepare, self._slots.said, self._control.is_cancelled)
                self._safely(job, prepare)
                if job.generation.is_over:
                    continue
            if not self._has_cells(job):
                break
            self._waiting.remove(job)
            self._seat(job)
        for job in self._waiting:
            job.tell_queued()

    def _may_try(self, job: Job) -> bool:
        """Whoever was parked for room waits until somebody is done, lest all make room for each other."""
        if self._is_crowded and self._active and self._active[-1].priority <= job.priority:
            return False
        return self._has_seat(job)

    def _has_seat(self, job: Job) -> bool:
        """Tells whether a sequence can be had for it, taking that of something less urgent if need be."""
        while not self._slots.is_any_free():
            if not self._make_way(job):
                return False
        return True

    def _has_cells(self, job: Job) -> bool:
        while not self._slots.fit(job.cells):
            if not self._make_way(job):
                return False
        return True

    def _make_way(self, job: Job) -> bool:
        if not self._active or self._active[-1].priority <= job.priority:
            return False
        self._suspend(self._active[-1])
        return True

    def _seat(self, job: Job) -> None:
        begun = time.monotonic()
        generation = job.generation
        insort(self._active, job)
        self._control.begin(job.id)
        if generation.slot is not None:
            if self._slots.resume(generation.slot):
                job.tell_resumed()
            else:
                self._end(job, _lost())
            return
        assert generation.prompt is not None
        slot = self._slots.take(generation.prompt)
        self._safely(job, partial(generation.begin, slot, begun))

    def _make_room(self) -> None:
        self._is_crowded = True
        self._suspend(self._active[-1])

    def _suspend(self, job: Job) -> None:
        """Parks an answer in progress; it goes on when there is room."""
        assert job.generation.slot is not None
        self._active.remove(job)
        self._control.pause(job.id)
        log.info("request %s waits for room", job.id)
        if self._slots.suspend(job.generation.slot):
            insort(self._waiting, job)
            job.tell_queued()
        else:
            self._end(job, _lost())

    def _fill(self) -> tuple[list[Job], list[Part]]:
        """Returns who takes part in the next step, and with what."""
        while True:
            jobs, parts = self._wishes()
            rows = sum(len(part.tokens) for part in parts)
            if not self._slots.lacks(rows) or len(self._active) <= 1:
                return jobs, parts
            self._make_room()

    def _wishes(self) -> tuple[list[Job], list[Part]]:
        jobs: list[Job] = []
        parts: list[Part] = []
        prompts: list[Job] = []
        for job in self._active:
            rows, slot = job.generation.wants, job.generation.slot
            assert rows is not None
            assert slot is not None
            if rows.is_prompt:
                prompts.append(job)
            else:
                jobs.append(job)
                parts.append(Part(slot.live_sequence, rows.tokens, rows.position))
        left = self._context.step_tokens - len(parts)
        if prompts:
            is_waited_for = any(job.priority <= prompts[0].priority for job in jobs)
            left = min(left, self._pace.next_tokens(is_waited_for=is_waited_for))
        for job in prompts:
            if left > 0:
                part = _piece(job.generation, left)
                jobs.append(job)
                parts.append(part)
                left -= len(part.tokens)
        return jobs, parts

    def _pass_on(self, jobs: list[Job], parts: list[Part], result: int) -> None:
        if result == NO_ROOM and len(self._active) > 1:
            self._make_room()
            return
        if result == ABORTED:
            for job in jobs:
                assert job.generation.slot is not None
                job.generation.slot.recover()
                self._cancel(job)
            return
        row = -1
        prompt_tokens = 0
        for job, part in zip(jobs, parts, strict=True):
            taken = len(part.tokens)
            row += taken
            prompt_tokens += taken if part.is_prompt else 0
            self._safely(job, partial(job.generation.advance, Outcome(result, taken, row)))
        if prompt_tokens:
            self._pace.note(row + 1, self._context.seconds)

    def _safely(self, job: Job, step: Callable[[], None]) -> None:
        """A bug in one answer ends that one only."""
        try:
            step()
        except Exception as error:
            log.exception("request %s", job.id)
            self._end(job, BugError(repr(error)[:300]).notice)
            return
        if job.generation.is_over:
            self._forget(job)

    def _end(self, job: Job, notice: Notice) -> None:
        """Ends an answer whose slot can no longer be trusted."""
        if job.generation.slot is not None:
            job.generation.slot.forget()
        if not job.generation.is_over:
            job.generation.fail(notice)
        self._forget(job)

    def _forget(self, job: Job) -> None:
        if job in self._active:
            self._active.remove(job)
        if job in self._waiting:
            self._waiting.remove(job)
        if job.generation.slot is not None:
            self._slots.release(job.generation.slot)
        if self._active:
            self._slots.park_idle()
        self._is_crowded = False
        self._control.end(job.id)


def failed_without_model(request: GenerateRequest) -> Failed:
    notice = Notice(code=NoticeCode.NO_MODEL, actions=(Action.CHOOSE_MODEL,))
    return Failed(id=request.id, notice=notice)


def _piece(generation: Generation, most: int) -> Part:
    """Returns as much of its prompt as may be taken."""
    rows, slot = generation.wants, generation.slot
    assert rows is not None
    assert slot is not None
    tokens = rows.tokens[:most]
    is_last = len(tokens) == len(rows.tokens)
    return Part(
        slot.live_sequence, tokens, rows.position, wants_logits=rows.wants_logits and is_last, is_prompt=True
    )


def _lost() -> Notice:
    return Notice(code=NoticeCode.ENGINE_OUT_OF_MEMORY, actions=(Action.RETRY,))
