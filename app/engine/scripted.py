"""An engine in this process that plays a script: for tests, `cove host --engine scripted` and UI work.

Keeps the promises of `base.Engine` without a child or a model, deterministically and as fast as it can; as
many are answered at once as the plan has slots.
`script.py` says how a user's message steers it. The name of the model's file steers loading: `hold-load` in
it waits in the middle until cancelled, `fail-load` fails with MODEL_CORRUPT.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from app.domain.context import reserved_tokens
from app.domain.engine import EngineState, EngineStatus, LoadedModel, LoadPlan
from app.domain.generation import EFFORTS, Phase, StopReason, Timings
from app.domain.notice import Action, Fact, Notice, NoticeCode
from app.engine.base import (
    Counted,
    Failed,
    Finished,
    GenerateRequest,
    OnRequestEvent,
    OnStatus,
    PhaseMoved,
    RequestEvent,
    TextGrew,
)
from app.engine.script import Fate, Script, prompt_words, script_for

LAYERS = 30


class Ending(Exception):
    """The order is over."""

    def __init__(self, reason: StopReason = StopReason.FAILED, notice: Notice | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.notice = notice


@dataclass
class _Order:
    """One request on its way through the engine; `ended` says that it must end before its script does."""

    request: GenerateRequest
    on_event: OnRequestEvent
    ended: Ending | None = None
    is_hurried: bool = False
    is_playing: bool = False
    words: list[str] = field(default_factory=list)  # its prompt and its answer
    cached: int = 0
    thought: int = 0
    spoken: int = 0


class ScriptedEngine:
    """Implements `base.Engine`. `requests` holds every request it was given, for tests to look at."""

    def __init__(
        self, plan: LoadPlan, on_status: OnStatus | None = None, *, hung_after_s: float = 5.0
    ) -> None:
        self.requests: list[GenerateRequest] = []
        self._plan = plan
        self._on_status = on_status or (lambda _: None)
        self._hung_after_s = hung_after_s
        self._changed = threading.Condition(threading.RLock())
        self._orders: list[_Order] = []
        self._counts: list[_Order] = []
        self._threads: list[threading.Thread] = []
        self._names = itertools.count(1)
        self._cache: list[str] = []  # what was said in the conversation begun last, like a KV cache
        self._status = EngineStatus(model_id=plan.model_id, state=EngineState.IDLE, plan=plan)
        self._load_ended = False
        self._closed = False

    @property
    def status(self) -> EngineStatus:
        return self._status

    def load(self) -> None:
        with self._changed:
            if self._status.state in (EngineState.IDLE, EngineState.FAILED) and not self._closed:
                self._load_ended = False
                self._move(EngineState.STARTING, progress=0.0, notice=None)
                self._run(self._play_load)

    def generate(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        with self._changed:
            order = _Order(request, on_event)
            if self._closed:
                order.ended = self._load_cancelled()
            self.requests.append(request)
            self._orders.append(order)
            self.load()
            self._move(self._status.state)
            self._run(lambda: self._serve(order))

    def count(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        with self._changed:
            order = _Order(request, on_event)
            if self._closed:
                order.ended = self._load_cancelled()
            self._counts.append(order)
            self.load()
            self._run(lambda: self._size_up(order))

    def cancel(self, request_id: str) -> None:
        self._end_orders(Ending(StopReason.CANCELLED), request_id)

    def answer_now(self, request_id: str) -> None:
        with self._changed:
            for order in self._orders:
                order.is_hurried = order.is_hurried or order.request.id == request_id
            self._changed.notify_all()

    def cancel_load(self) -> None:
        with self._changed:
            if self._status.state in (EngineState.STARTING, EngineState.LOADING):
                self._load_ended = True
                self._end_orders(self._load_cancelled())

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._load_ended = True
            self._end_orders(Ending(StopReason.CANCELLED))
            threads = tuple(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join()
        with self._changed:
            if self._status.state != EngineState.IDLE:
                self._move(EngineState.IDLE, loaded=None, progress=0.0)

    # Loading

    def _play_load(self) -> None:
        name = Path(self._plan.model_path).name
        with self._changed:
            self._move(EngineState.LOADING, progress=0.5)
            if "hold-load" in name:
                self._changed.wait_for(lambda: self._load_ended)
            if self._load_ended:
                self._move(EngineState.IDLE, progress=0.0)
                if any(order.ended is None for order in (*self._orders, *self._counts)):
                    self.load()  # asked for between the end of the load and now
            elif "fail-load" in name:
                facts: dict[str, Fact] = {"path": self._plan.model_path, "detail": "scripted"}
                self._fail(Notice(code=NoticeCode.MODEL_CORRUPT, facts=facts, actions=(Action.PULL_AGAIN,)))
            else:
                self._move(EngineState.READY, progress=1.0, loaded=_loaded(self._plan))

    # Answering: each request has a thread of its own and waits there for a slot

    def _serve(self, order: _Order) -> None:
        request, began = order.request, time.monotonic()
        is_ready = self._status.state == EngineState.READY
        order.on_event(PhaseMoved(id=request.id, phase=Phase.QUEUED if is_ready else Phase.LOADING))
        try:
            self._take_slot(order)
            ending = self._play(order, script_for(request))
        except Ending as early:
            ending = early
        with self._changed:
            self._orders.remove(order)
            self._move(self._status.state)
        timings = _timings(order, (time.monotonic() - began) * 1000)
        if ending.notice:
            order.on_event(Failed(id=request.id, notice=ending.notice, timings=timings))
        else:
            order.on_event(Finished(id=request.id, stop_reason=ending.reason, timings=timings))

    def _take_slot(self, order: _Order) -> None:
        with self._changed:
            self._wait(order, lambda: self._status.state == EngineState.READY and self._is_next(order))
            order.is_playing = True
            self._changed.notify_all()

    def _is_next(self, order: _Order) -> bool:
        """Of those that wait, the first of the most urgent is, as soon as a slot is free."""
        waiting = [each for each in self._orders if not each.is_playing]
        is_any_free = len(self._orders) - len(waiting) < self._plan.slots
        return is_any_free and min(waiting, key=lambda each: each.request.priority) is order

    def _size_up(self, order: _Order) -> None:
        request, words = order.request, prompt_words(order.request)
        event: RequestEvent = Counted(
            id=request.id,
            tokens=len(words),
            context_tokens=self._plan.context_tokens,
            cached_tokens=_common(words[:-1], self._cache),
        )
        try:
            self._wait(order, lambda: self._status.state == EngineState.READY)
        except Ending as early:
            event = Finished(id=request.id, stop_reason=early.reason)
            if early.notice:
                event = Failed(id=request.id, notice=early.notice)
        with self._changed:
            self._counts.remove(order)
        order.on_event(event)

    def _play(self, order: _Order, script: Script) -> Ending:
        request = order.request
        order.on_event(PhaseMoved(id=request.id, phase=Phase.TEMPLATE))
        if script.fate == Fate.FAIL:
            return Ending(notice=Notice(code=NoticeCode.TEMPLATE_FAILED, facts={"detail": "scripted"}))
        words = prompt_words(request)
        if len(words) + _reserved(request, self._plan) > self._plan.context_tokens:
            return Ending(notice=_too_long(len(words), self._plan))
        order.cached = _common(words[:-1], self._cache)
        self._cache = order.words = words
        order.on_event(PhaseMoved(id=request.id, phase=Phase.PREFILL, done=order.cached, total=len(words)))
        if script.fate == Fate.HANG:
            self._wait(order, seconds=self._hung_after_s)
            self._die(NoticeCode.ENGINE_HUNG, silent_s=self._hung_after_s, phase=Phase.PREFILL.value)
        self._wait(order)
        order.on_event(PhaseMoved(id=request.id, phase=Phase.PREFILL, done=len(words), total=len(words)))
        order.on_event(PhaseMoved(id=request.id, phase=Phase.DECODE))
        if self._speak(order, script) is StopReason.CONTEXT_FULL:
            return Ending(StopReason.CONTEXT_FULL)
        if script.fate == Fate.HOLD:
            self._wait(order, lambda: False)
        if script.fate == Fate.CRASH:
            self._die(NoticeCode.ENGINE_DIED, reason="killed", signal="SIGKILL")
        self._wait(order)
        return Ending(script.stop_reason)

    def _speak(self, order: _Order, script: Script) -> StopReason | None:
        for word in script.reasoning:
            self._wait(order, lambda: order.is_hurried, seconds=script.pause_s)
            if order.is_hurried or order.thought == order.request.reasoning_budget:
                break
            order.thought += 1
            order.on_event(TextGrew(id=order.request.id, reasoning=word))
        if script.fate == Fate.PONDER and order.request.reasoning_budget != 0:
            self._wait(order, lambda: order.is_hurried)
        for word in script.answer:
            if len(order.words) + order.thought >= self._plan.context_tokens:
                return StopReason.CONTEXT_FULL
            self._wait(order, seconds=script.pause_s)
            order.spoken += 1
            order.words.append(word)
            order.on_event(TextGrew(id=order.request.id, content=word))
        return None

    # Endings

    def _die(self, code: NoticeCode, **facts: Fact) -> None:
        self._fail(Notice(code=code, facts=facts, actions=(Action.RETRY, Action.OPEN_LOG)))

    def _fail(self, notice: Notice) -> None:
        with self._changed:
            self._cache = []
            self._end_orders(Ending(notice=notice))
            self._move(EngineState.FAILED, notice=notice, loaded=None, progress=0.0)

    def _end_orders(self, ending: Ending, request_id: str | None = None) -> None:
        with self._changed:
            for order in (*self._orders, *self._counts):
                if request_id in (None, order.request.id):
                    order.ended = order.ended or ending
            self._changed.notify_all()

    def _wait(
        self, order: _Order, until: Callable[[], bool] | None = None, seconds: float | None = None
    ) -> None:
        """Waits for a condition or for some seconds, and raises if the order was ended before."""
        with self._changed:
            if until or seconds:
                self._changed.wait_for(lambda: order.ended is not None or bool(until and until()), seconds)
            if order.ended is not None:
                raise order.ended

    def _load_cancelled(self) -> Ending:
        facts: dict[str, Fact] = {"model": self._plan.model_id}
        return Ending(notice=Notice(code=NoticeCode.MODEL_LOAD_CANCELLED, facts=facts))

    def _run(self, play: Callable[[], None]) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=play, name=f"scripted-engine-{next(self._names)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _move(self, state: EngineState, **changes: object) -> None:
        with self._changed:
            changes = {"state": state, "active_requests": len(self._orders), **changes}
            before, self._status = self._status, msgspec.structs.replace(self._status, **changes)
            self._changed.notify_all()
            if self._status != before:
                self._on_status(self._status)


def _reserved(request: GenerateRequest, plan: LoadPlan) -> int:
    return reserved_tokens(plan.context_tokens, request.sampling.max_tokens, request.reserve_share)


def _too_long(tokens: int, plan: LoadPlan) -> Notice:
    facts: dict[str, Fact] = {"prompt_tokens": tokens, "context_tokens": plan.context_tokens}
    return Notice(code=NoticeCode.PROMPT_TOO_LONG, facts=facts, actions=(Action.SHORTEN,))


def _common(words: list[str], cache: list[str]) -> int:
    pairs = zip(words, cache, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _timings(order: _Order, elapsed_ms: float) -> Timings:
    return Timings(
        cache_n=order.cached,
        prompt_n=len(prompt_words(order.request)) - order.cached,
        prompt_ms=1.0,
        predicted_n=order.spoken + order.thought,
        predicted_ms=elapsed_ms,
        reasoning_n=order.thought,
    )


def _loaded(plan: LoadPlan) -> LoadedModel:
    return LoadedModel(
        context_tokens=plan.context_tokens,
        layers=LAYERS,
        gpu_layers=LAYERS if plan.gpu_layers < 0 else min(plan.gpu_layers, LAYERS),
        description="scripted",
        has_template=True,
        can_think=True,
        can_switch=True,
        efforts=EFFORTS,
    )
