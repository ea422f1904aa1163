"""One place of `residency`: an engine that may still have to wait for its predecessor's memory.

It takes requests from its first moment and hands them on, in order, once `open` has built the engine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from app.domain.engine import EngineState, EngineStatus
from app.domain.generation import StopReason
from app.domain.model import Model, ModelOptions
from app.domain.notice import Notice, NoticeCode
from app.engine.base import (
    Counted,
    Engine,
    Failed,
    Finished,
    GenerateRequest,
    OnRequestEvent,
    OnStatus,
    RequestEvent,
)

Build = Callable[[Model, ModelOptions, OnStatus], Engine]


class Resident:
    """Implements `base.Engine`. `options` are those it was made with; `last_used` is kept by residency."""

    def __init__(self, model: Model, options: ModelOptions, build: Build, on_status: OnStatus) -> None:
        self.model = model
        self.options = options
        self.last_used = 0.0
        self._build = build
        self._on_status = on_status
        self._lock = threading.RLock()
        self._engine: Engine | None = None
        self._waiting: dict[str, tuple[GenerateRequest, OnRequestEvent]] = {}
        self._counts: set[str] = set()  # of those that wait: to be counted only
        self._active: set[str] = set()
        self._is_load_wanted = False
        self._closed = threading.Event()
        self._failure: Notice | None = None

    @property
    def status(self) -> EngineStatus:
        """What the engine says of itself, and of the requests also those that it has not noticed yet."""
        active, engine = len(self._active), self._engine
        if engine is not None:
            status = engine.status
            return msgspec.structs.replace(status, active_requests=max(active, status.active_requests))
        state = EngineState.STARTING if self._is_load_wanted or self._waiting else EngineState.IDLE
        return EngineStatus(
            model_id=self.model.id,
            state=EngineState.FAILED if self._failure else state,
            active_requests=active,
            notice=self._failure,
        )

    @property
    def is_answering(self) -> bool:
        return self.status.active_requests > 0

    @property
    def is_busy(self) -> bool:
        return self.is_answering or self.status.state in (EngineState.STARTING, EngineState.LOADING)

    @property
    def is_broken(self) -> bool:
        """Tells whether there will never be an engine here."""
        return self._failure is not None

    def open(self) -> None:
        """Builds the engine and gives it what has come in. Called once, when memory is free again."""
        if self._closed.is_set():
            return
        engine = self._build(self.model, self.options, self._on_status)
        with self._lock:
            if not self._closed.is_set():
                self._engine = engine
                if self._is_load_wanted:
                    engine.load()
                for request, on_event in self._waiting.values():
                    _given(engine, is_count=request.id in self._counts)(request, on_event)
                self._waiting.clear()
                self._counts.clear()
                return
        engine.close()

    def fail(self, notice: Notice) -> None:
        """The engine could not be built: ends what waits and all that may still come."""
        with self._lock:
            self._failure = notice
            self._is_load_wanted = False
        self._on_status(self.status)
        self._end_waiting(lambda request_id: Failed(id=request_id, notice=notice))

    def load(self) -> None:
        with self._lock:
            self._is_load_wanted = True
            if self._engine is not None:
                self._engine.load()
                return
        self._on_status(self.status)

    def generate(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self._accept(request, on_event)

    def count(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self._accept(request, on_event, is_count=True)

    def _accept(self, request: GenerateRequest, on_event: OnRequestEvent, *, is_count: bool = False) -> None:
        def heard(event: RequestEvent) -> None:
            if isinstance(event, Counted | Finished | Failed):
                self._active.discard(event.id)
            on_event(event)

        with self._lock:
            refusal = self._failure or (self._load_cancelled() if self._closed.is_set() else None)
            if refusal is None:
                self._active.add(request.id)
                if self._engine is not None:
                    _given(self._engine, is_count=is_count)(request, heard)
                    return
                self._waiting[request.id] = (request, heard)
                if is_count:
                    self._counts.add(request.id)
        if refusal is not None:
            on_event(Failed(id=request.id, notice=refusal))
        self._on_status(self.status)

    def cancel(self, request_id: str) -> None:
        with self._lock:
            waiting = self._waiting.pop(request_id, None)
            if self._engine is not None:
                self._engine.cancel(request_id)
        if waiting is not None:
            waiting[1](Finished(id=request_id, stop_reason=StopReason.CANCELLED))
            self._on_status(self.status)  # perhaps nothing is started any more

    def answer_now(self, request_id: str) -> None:
        with self._lock:
            if self._engine is not None:
                self._engine.answer_now(request_id)
            elif request_id in self._waiting:
                request, on_event = self._waiting[request_id]
                hurried = msgspec.structs.replace(request, reasoning_budget=0)
                self._waiting[request_id] = (hurried, on_event)

    def cancel_load(self) -> None:
        with self._lock:
            if self._engine is not None:
                self._engine.cancel_load()
                return
            self._is_load_wanted = False
        notice = self._load_cancelled()
        self._end_waiting(lambda request_id: Failed(id=request_id, notice=notice))
        self._on_status(self.status)

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            self._is_load_wanted = False
            engine = self._engine
        self._end_waiting(lambda request_id: Finished(id=request_id, stop_reason=StopReason.CANCELLED))
        if engine is not None:
            engine.close()
        else:
            self._on_status(self.status)

    def _end_waiting(self, ending: Callable[[str], RequestEvent]) -> None:
        with self._lock:
            waiting = tuple(self._waiting.values())
            self._waiting.clear()
        for request, on_event in waiting:
            on_event(ending(request.id))

    def _load_cancelled(self) -> Notice:
        return Notice(code=NoticeCode.MODEL_LOAD_CANCELLED, facts={"model": self.model.id})


def _given(engine: Engine, *, is_count: bool) -> Callable[[GenerateRequest, OnRequestEvent], None]:
    return engine.count if is_count else engine.generate
