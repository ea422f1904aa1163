"""What is done with an engine child: a state machine driven by one thread. Starts no threads, reads no pipes.

Promises: each request gets exactly one terminal event, with the facts when the child dies; a cancel is felt
at once and what comes late is dropped; a child is killed only when it owes something and shows no life; one
that died is started again by the next request only, with a safer plan after the second death, not at all
after the third; nothing is loaded before the handshake. `client` gives it its thread and its processes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from app.domain.engine import EngineState, EngineStatus, LoadPlan
from app.domain.generation import Phase
from app.domain.notice import Action, Fact, Notice, NoticeCode
from app.engine import wire
from app.engine.base import Failed, GenerateRequest, OnRequestEvent, OnStatus, RequestEvent
from app.engine.deaths import Deaths, Ladder, Verdict, difference
from app.engine.diagnosis import DeathReason, diagnose, died, is_about_memory, oom_kills
from app.engine.process import ExitFacts, LifeSigns
from app.engine.requests import Requests, Waiting, deliver
from app.engine.silence import Limits, Silence
from app.errors import BugError

log = logging.getLogger(__name__)

_S = EngineState
LEGAL_MOVES: dict[EngineState, frozenset[EngineState]] = {
    _S.IDLE: frozenset({_S.STARTING}),
    _S.STARTING: frozenset({_S.LOADING, _S.STOPPING, _S.FAILED}),
    _S.LOADING: frozenset({_S.READY, _S.STOPPING, _S.FAILED}),
    _S.READY: frozenset({_S.STOPPING, _S.FAILED}),
    _S.STOPPING: frozenset({_S.IDLE, _S.FAILED}),
    _S.FAILED: frozenset({_S.STARTING, _S.IDLE}),
}


class Child(Protocol):
    """What the supervisor needs of `process.ChildProcess`."""

    @property
    def pid(self) -> int: ...
    def send(self, frame: wire.ToChild) -> None: ...
    def end(self) -> None: ...
    def kill(self) -> None: ...
    def life_signs(self) -> LifeSigns | None: ...


class Supervisor:
    """Not thread-safe: every method is called by the one thread that drives it, callbacks come on it too.

    `start_child` spawns a child and raises `OSError` if it cannot; the driver then reports what that child
    does through `frame_came` and `child_exited`, and calls `tick` every `limits.tick_s` while `needs_tick`.
    """

    def __init__(
        self,
        plan: LoadPlan,
        *,
        start_child: Callable[[], Child],
        on_status: OnStatus,
        ladder: Ladder,
        limits: Limits,
        hello: wire.Hello = wire.Hello(),  # noqa: B008 (a frozen value)
        clock: Callable[[], float] = time.monotonic,
        count_oom_kills: Callable[[], int] = oom_kills,
    ) -> None:
        self.status = EngineStatus(model_id=plan.model_id, state=_S.IDLE, plan=plan)
        self._start_child = start_child
        self._on_status = on_status
        self._limits = limits
        self._hello = hello
        self._clock = clock
        self._count_oom_kills = count_oom_kills
        self._deaths = Deaths(plan, ladder, forget_after_s=limits.forget_deaths_s, clock=clock)
        self._silence = Silence(limits, clock)
        self._requests = Requests(self._publish)
        self._child: Child | None = None
        self._is_load_wanted = False
        self._is_closed = False
        self._stepped: Notice | None = None  # shown while a safer plan is in use
        self._stopped: Notice | None = None  # no more tries until a person loads the model
        self._verdict: Notice | None = None  # why the child that is STOPPING has to
        self._kill_at = 0.0
        self._ticked_at = clock()
        self._oom_kills = 0

    @property
    def is_over(self) -> bool:
        return self._is_closed and self._child is None

    @property
    def needs_tick(self) -> bool:
        return self._child is not None and (self._owes_something or self.status.state == _S.STOPPING)

    # What is asked of it

    def load(self) -> None:
        """A person (not a request) wants the model loaded: earlier deaths are forgiven."""
        if self._is_closed or self.status.state in (_S.STARTING, _S.LOADING, _S.READY):
            return
        self._deaths.reset()
        self._stopped = self._stepped = None
        self._is_load_wanted = True
        self._begin_if_wanted()

    def generate(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self._accept(request, on_event)

    def count(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self._accept(request, on_event, is_count=True)

    def _accept(self, request: GenerateRequest, on_event: OnRequestEvent, *, is_count: bool = False) -> None:
        refusal = self._refusal(request)
        if refusal is not None:
            deliver(on_event, Failed(id=request.id, notice=refusal))
            return
        is_ready = self.status.state == _S.READY
        phase = Phase.QUEUED if is_ready else Phase.LOADING
        self._requests.add(request, on_event, phase, is_count=is_count)
        self._send_waiting()
        self._begin_if_wanted()

    def cancel(self, request_id: str) -> None:
        if self._requests.abandon(request_id) and self._child is not None:
            self._child.send(wire.Cancel(id=request_id))

    def answer_now(self, request_id: str) -> None:
        if self._requests.hurry(request_id) and self._child is not None:
            self._child.send(wire.AnswerNow(id=request_id))

    def cancel_load(self) -> None:
        if self.status.state in (_S.STARTING, _S.LOADING):
            self._stop_child(wire.CancelLoad())
            self._requests.fail_all(self._load_cancelled())

    def close(self) -> None:
        """Ends everything; `is_over` once the child is gone."""
        self._is_closed = True
        self._is_load_wanted = False
        self._requests.cancel_all()
        if self._child is not None and self.status.state != _S.STOPPING:
            self._stop_child()
        elif self.status.state == _S.FAILED:
            self._move(_S.IDLE)

    # What the child does

    def frame_came(self, child: Child, frame: wire.FromChild) -> None:
        if child is not self._child or self.status.state == _S.STOPPING:
            return
        self._silence.saw(frame)
        if self.status.state == _S.STARTING:
            self._greeted(frame)
        elif isinstance(frame, RequestEvent):
            self._requests.came(frame)
        elif self.status.state == _S.LOADING:
            self._load_moved(frame)

    def child_exited(self, child: Child, facts: ExitFacts) -> None:
        """Its group is gone; `facts` say how."""
        if child is not self._child:
            return
        log.info("Engine %d has ended: code %s, signal %s", child.pid, facts.code, facts.signal or None)
        self._child = None
        self._requests.child_gone()
        if self.status.state != _S.STOPPING:
            was_oom_killed = self._count_oom_kills() > self._oom_kills
            self._fail(diagnose(facts, self._deaths.plan, was_oom_killed=was_oom_killed))
            return
        notice, self._verdict = self._verdict, None
        if notice is None or self._is_closed:
            self._move(_S.IDLE)
        else:
            self._move(_S.FAILED, self._stopped or notice)
        self._begin_if_wanted()

    def tick(self) -> None:
        """Looks after time: kills what shows no life and what does not end."""
        child, now = self._child, self._clock()
        has_slept = now - self._ticked_at > self._limits.slept_s
        self._ticked_at = now
        if child is None:
            return
        if has_slept:  # the host was stopped or starved: what the child said then is not read yet
            self._silence.restart()
        if self.status.state == _S.STOPPING:
            self._press(child)
        elif self._owes_something:
            self._oom_kills = self._count_oom_kills()
            self._listen(child)

    # Starting

    def _refusal(self, request: GenerateRequest) -> Notice | None:
        if request.id in self._requests:
            return BugError(f"request {request.id} is already being answered").notice
        return self._load_cancelled() if self._is_closed else self._stopped

    def _begin_if_wanted(self) -> None:
        is_wanted = self._is_load_wanted or len(self._requests) > 0
        if self._child is not None or not is_wanted or self._is_closed:
            return
        self._is_load_wanted = False
        self._oom_kills = self._count_oom_kills()
        try:
            self._child = self._start_child()
        except OSError as error:
            self._move(_S.STARTING, self._stepped)
            self._fail(died(DeathReason.NOT_STARTED, detail=str(error)))
            return
        self._silence = Silence(self._limits, self._clock)
        self._move(_S.STARTING, self._stepped)
        self._child.send(msgspec.structs.replace(self._hello, files=self._deaths.plan.files))

    def _greeted(self, frame: wire.FromChild) -> None:
        expected = f"protocol {wire.PROTOCOL}"
        if not isinstance(frame, wire.HelloReply):
            self._refuse(expected, type(frame).__name__)
        elif frame.protocol != wire.PROTOCOL:
            self._refuse(expected, f"protocol {frame.protocol}")
        elif frame.mismatch is not None:
            self._refuse(frame.engine, frame.mismatch)
        elif self._child is not None:
            log.info("Engine %d is %s", self._child.pid, frame.engine)
            self._silence.restart()
            self._move(_S.LOADING, self._stepped)
            self._child.send(wire.Load(plan=self._deaths.plan))

    def _refuse(self, expected: str, found: str) -> None:
        facts: dict[str, Fact] = {"expected": expected, "found": found}
        self._end_with(Notice(code=NoticeCode.ENGINE_MISMATCH, facts=facts, actions=(Action.UPDATE,)))

    def _load_moved(self, frame: wire.FromChild) -> None:
        if isinstance(frame, wire.LoadProgress):
            self._publish(progress=max(self.status.progress, min(frame.progress, 1.0)))
        elif isinstance(frame, wire.Loaded):
            self._move(_S.READY, self._stepped, progress=1.0, loaded=frame.model)
            self._send_waiting()
        elif isinstance(frame, wire.LoadFailed):
            self._end_with(frame.notice, is_death=is_about_memory(frame.notice))

    def _send_waiting(self) -> None:
        if self.status.state != _S.READY or self._child is None:
            return
        for waiting in self._requests.unsent():
            if not self._owes_something:
                self._silence.restart()
            try:
                self._child.send(_frame_of(waiting))
            except wire.WireError as error:
                notice = Notice(code=NoticeCode.BAD_REQUEST, facts={"detail": str(error)})
                self._requests.finish(Failed(id=waiting.request.id, notice=notice))
            else:
                waiting.is_sent = True

    # Ending

    @property
    def _owes_something(self) -> bool:
        return self.status.state in (_S.STARTING, _S.LOADING) or self._requests.are_sent

    def _listen(self, child: Child) -> None:
        limit_s = self._silence.limit_s(self.status.state)
        if self._silence.silent_s > min(1.0, limit_s / 4):  # looking costs more than listening
            self._silence.saw_signs(child.life_signs())
        silent_s = self._silence.silent_s
        if silent_s <= limit_s:
            return
        is_ready = self.status.state == _S.READY
        phase = self._requests.phase if is_ready else Phase.LOADING
        facts: dict[str, Fact] = {"silent_s": round(silent_s, 1), "phase": phase.value}
        hung = Notice(code=NoticeCode.ENGINE_HUNG, facts=facts, actions=(Action.RETRY, Action.OPEN_LOG))
        log.info("Engine %d is hung: %s", child.pid, facts)
        self._end_with(hung, is_death=True, patience_s=0.0)

    def _press(self, child: Child) -> None:
        late_s = self._clock() - self._kill_at
        if late_s >= self._limits.unkillable_s:
            self.child_exited(child, ExitFacts())  # the system may still hold it; Cove goes on
        elif late_s >= 0:
            child.kill()

    def _end_with(self, notice: Notice, *, is_death: bool = False, patience_s: float | None = None) -> None:
        """Ends the child for a reason: everyone who waits is told now, the child goes when it can."""
        self._verdict = notice
        if is_death:
            self._count_death(notice)
        self._stop_child(patience_s=patience_s)
        self._requests.fail_all(notice)

    def _fail(self, notice: Notice) -> None:
        """There is no child any more, and nobody wanted that."""
        self._count_death(notice)
        self._move(_S.FAILED, self._stopped or notice)
        self._requests.fail_all(notice)

    def _count_death(self, notice: Notice) -> None:
        before = self._deaths.plan
        verdict = self._deaths.record()
        if verdict == Verdict.STEP_DOWN:
            change = difference(before, self._deaths.plan)
            self._stepped = Notice(code=NoticeCode.PLAN_STEPPED_DOWN, facts={"change": change})
        elif verdict == Verdict.STOP:
            facts: dict[str, Fact] = {"deaths": self._deaths.count, "reason": notice.code.value}
            actions = (Action.CHOOSE_MODEL, Action.RETRY, Action.OPEN_LOG)
            self._stopped = Notice(code=NoticeCode.ENGINE_STOPPED_FOR_GOOD, facts=facts, actions=actions)

    def _stop_child(self, *frames: wire.ToChild, patience_s: float | None = None) -> None:
        child = self._child
        if child is None:
            return
        for frame in frames:
            child.send(frame)
        child.end()
        self._kill_at = self._clock() + (self._limits.end_grace_s if patience_s is None else patience_s)
        self._move(_S.STOPPING, self._verdict)
        self._press(child)

    def _load_cancelled(self) -> Notice:
        return Notice(code=NoticeCode.MODEL_LOAD_CANCELLED, facts={"model": self.status.model_id})

    # Saying so

    def _move(self, state: EngineState, notice: Notice | None = None, **changes: object) -> None:
        if state not in LEGAL_MOVES[self.status.state]:
            raise BugError(f"engine moved from {self.status.state} to {state}")
        if state not in (_S.READY, _S.STOPPING):
            changes = {"progress": 0.0, "loaded": None, **changes}
        self._publish(
            state=state,
            notice=notice,
            pid=self._child.pid if self._child is not None else None,
            plan=self._deaths.plan,
            **changes,
        )

    def _publish(self, **changes: object) -> None:
        changes["active_requests"] = self._requests.active
        status = msgspec.structs.replace(self.status, **changes)
        if status != self.status:
            self.status = status
            self._on_status(status)


def _frame_of(waiting: Waiting) -> wire.ToChild:
    return (wire.Count if waiting.is_count else wire.Generate)(request=waiting.request)
