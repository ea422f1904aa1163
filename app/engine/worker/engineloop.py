"""The engine thread: does everything that touches llama.cpp, one step at a time.

Between steps it looks into its inbox; while there is nothing to do it sleeps on it.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable
from typing import Any

from app.domain.engine import LoadedModel, LoadPlan
from app.domain.notice import Action, NoticeCode
from app.engine.base import RequestEvent
from app.engine.wire import (
    AnswerNow,
    Count,
    FromChild,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    LoadProgress,
    Measure,
    ToChild,
)
from app.engine.worker.bindings import Library
from app.engine.worker.context import Context
from app.engine.worker.control import Control
from app.engine.worker.count import Counter
from app.engine.worker.dryrun import measure
from app.engine.worker.exactness import exact_step_tokens
from app.engine.worker.generate import Desk
from app.engine.worker.model import Model, load_model
from app.engine.worker.pace import Pace
from app.engine.worker.prompt import PromptMaker
from app.engine.worker.reasoning.capability import Capability
from app.engine.worker.scheduler import Scheduler, failed_without_model
from app.engine.worker.slot import CacheKind
from app.engine.worker.slots import Slots
from app.engine.worker.stepclock import StepClock
from app.engine.worker.template import RenderCancelledError, TemplateRenderer
from app.errors import KnownError

log = logging.getLogger(__name__)

Inbox = queue.SimpleQueue[ToChild | None]


class EngineLoop:
    """Runs on the main thread until the inbox says None."""

    def __init__(
        self,
        library: Library,
        renderer: TemplateRenderer,
        control: Control,
        clock: StepClock,
        inbox: Inbox,
        send: Callable[[FromChild], None],
    ) -> None:
        self._library = library
        self._renderer = renderer
        self._control = control
        self._clock = clock
        self._inbox = inbox
        self._send = send
        self._model: Model | None = None
        self._context: Context | None = None
        self._scheduler: Scheduler | None = None
        self._counter: Counter | None = None

    def run(self) -> None:
        try:
            while self._take_frames():
                if self._scheduler is not None:
                    self._scheduler.step()
        finally:
            self._unload()
            self._renderer.close()

    def _take_frames(self) -> bool:
        """Handles what came in; waits for something when there is nothing to do. False at the end."""
        while self._is_idle() or not self._inbox.empty():
            frame = self._inbox.get()
            if frame is None:
                return False
            self._handle(frame)
        return True

    def _is_idle(self) -> bool:
        return self._scheduler is None or self._scheduler.is_idle

    def _handle(self, frame: ToChild) -> None:
        if isinstance(frame, Load):
            self._load(frame.plan)
        elif isinstance(frame, Measure):
            self._measure(frame.plan)
        elif isinstance(frame, Generate):
            if self._scheduler is None:
                self._control.end(frame.request.id)
                self._send(failed_without_model(frame.request))
            else:
                self._scheduler.add(frame.request)
        elif isinstance(frame, Count):
            if self._counter is None:
                self._control.end(frame.request.id)
                self._send(failed_without_model(frame.request))
            else:
                self._send(self._counter.count(frame.request))
        elif isinstance(frame, AnswerNow) and self._scheduler is not None:
            self._scheduler.answer_now(frame.id)

    def _load(self, plan: LoadPlan) -> None:
        self._unload()
        try:
            self._renderer.start()  # it starts while the file is read
            model = load_model(self._library, plan, self._tell_progress, self._control.is_load_cancelled)
            if plan.vocab_only:
                self._begin_counting(model)
                return
            context = self._furnish(model)
            prompts = PromptMaker(model, self._renderer)
            ability = self._ability(model, prompts)
        except KnownError as error:
            log.info("not loaded: %s", error)
            self._unload()
            self._send(LoadFailed(notice=error.notice))
            return
        scheduler = scheduler_of(self._library.api, model, context, prompts, self._control, self._send)
        self._scheduler = scheduler
        self._counter = Counter(
            prompts, context.tokens, self._control, said=scheduler.said, cached=scheduler.reusable
        )
        self._send(Loaded(model=self._describe(model, context, ability)))

    def _begin_counting(self, model: Model) -> None:
        """Serves a model that is no more than a vocabulary."""
        self._model = model
        self._counter = Counter(PromptMaker(model, self._renderer), model.plan.context_tokens, self._control)
        self._send(
            Loaded(
                model=LoadedModel(
                    context_tokens=model.plan.context_tokens,
                    layers=0,
                    gpu_layers=0,
                    description=model.description,
                    has_template=bool(model.template),
                )
            )
        )

    def _ability(self, model: Model, prompts: PromptMaker) -> Capability:
        try:
            return prompts.capability(model.template, self._control.is_load_cancelled)
        except RenderCancelledError:
            plan = model.plan
            raise KnownError.of(NoticeCode.MODEL_LOAD_CANCELLED, Action.RETRY, model=plan.model_id) from None

    def _measure(self, plan: LoadPlan) -> None:
        self._unload()
        try:
            self._send(measure(self._library, plan, self._control))
        except KnownError as error:
            self._send(LoadFailed(notice=error.notice))

    def _furnish(self, model: Model) -> Context:
        try:
            context = Context(self._library, model, self._clock, self._control.abort_flag)
        except KnownError:
            model.close()
            raise
        self._model, self._context = model, context
        return context

    def _describe(self, model: Model, context: Context, ability: Capability) -> LoadedModel:
        return LoadedModel(
            context_tokens=context.tokens,
            layers=model.layers,
            gpu_layers=model.gpu_layers,
            description=model.description,
            has_template=bool(model.template),
            can_think=ability.can_think,
            can_switch=ability.can_switch,
            efforts=ability.efforts,
            devices=self._library.devices(),
            buffers=(*model.buffers, *context.buffers),
        )

    def _tell_progress(self, progress: float) -> None:
        self._send(LoadProgress(progress=progress))

    def _unload(self) -> None:
        self._counter = None
        if self._scheduler is not None:
            self._scheduler.close()
            self._scheduler = None
        if self._context is not None:
            self._context.close()
            self._context = None
        if self._model is not None:
            self._model.close()
            self._model = None


def scheduler_of(
    api: Any,
    model: Model,
    context: Context,
    prompts: PromptMaker,
    control: Control,
    emit: Callable[[RequestEvent], None],
) -> Scheduler:
    """Returns a scheduler for a model in a context, both of which it leaves to their owner."""
    is_reference = model.plan.reference
    step = exact_step_tokens(context, model.vocabulary.size) if is_reference else context.step_tokens
    kind = CacheKind(window_tokens=model.window_tokens, is_recurrent=model.is_recurrent)
    return Scheduler(
        Desk(api, model, context.pointer, context.tokens, prompts),
        context,
        Slots(
            context.memory, kind, count=context.slots, cells=context.tokens, park_bytes=model.plan.park_bytes
        ),
        Pace(step, is_abortable=context.is_abortable, is_fixed=is_reference),
        control,
        emit,
    )
