"""Counts the tokens of prompts for models that need not be loaded: then only their vocabulary is.

A vocabulary has a child of its own, as confined as any other, which is kept for some seconds, because whoever
types is likely to ask again. Called by the core's thread; nothing here blocks it but `close`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from app.domain.engine import EngineState, LoadPlan
from app.domain.model import Model
from app.engine.base import Engine, GenerateRequest, OnRequestEvent
from app.planning.residency import MakeEngine, Residency

KEEP_S = 20.0


class Counting:
    """Owns at most one vocabulary. `plan_of` says how a model would be loaded: its context is what a prompt
    has to fit. Call `sweep` about once a second."""

    def __init__(
        self,
        residency: Residency,
        make_engine: MakeEngine,
        plan_of: Callable[[Model], LoadPlan],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._residency = residency
        self._make_engine = make_engine
        self._plan_of = plan_of
        self._clock = clock
        self._engine: Engine | None = None
        self._plan: LoadPlan | None = None
        self._used_at = 0.0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="counting")

    def count(self, model: Model, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        """Ends with Counted, or as any request does that cannot be carried out."""
        engine = self._residency.ready_engine(model) or self._vocabulary(model)
        engine.count(request, on_event)

    def sweep(self) -> None:
        if self._engine is not None and self._clock() - self._used_at >= KEEP_S:
            self._drop()

    def close(self) -> None:
        self._drop()
        self._worker.shutdown(wait=True)

    def _vocabulary(self, model: Model) -> Engine:
        plan = msgspec.structs.replace(self._plan_of(model), vocab_only=True, gpu_layers=0, devices=())
        if self._engine is None or plan != self._plan or self._engine.status.state == EngineState.FAILED:
            self._drop()
            self._engine, self._plan = self._make_engine(plan, lambda _: None), plan
        self._used_at = self._clock()
        return self._engine

    def _drop(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            self._worker.submit(engine.close)
