"""The engine thread: does everything that touches llama.cpp, one step at a time.

Between steps it looks into its inbox. Requests wait their turn for the one slot; a fault in one of them
ends that request only.
"""

from __future__ import annotations

import logging
import queue
from collections import deque
from collections.abc import Callable, Generator

from app.domain.engine import LoadedModel, LoadPlan
from app.domain.generation import Phase, StopReason
from app.domain.notice import Action, Notice, NoticeCode
from app.engine.base import Failed, Finished, GenerateRequest, PhaseMoved
from app.engine.wire import Cancel, FromChild, Generate, Load, Loaded, LoadFailed, LoadProgress, ToChild
from app.engine.worker.bindings import Library
from app.engine.worker.context import Context
from app.engine.worker.control import Control
from app.engine.worker.exactness import exact_step_tokens
from app.engine.worker.generate import Desk, Generation, Rows
from app.engine.worker.model import Model, load_model
from app.engine.worker.pace import Pace
from app.engine.worker.prefix import Slot
from app.engine.worker.prompt import PromptMaker
from app.engine.worker.reasoning import can_think
from app.engine.worker.stepclock import StepClock
from app.engine.worker.template import TemplateRenderer
from app.errors import BugError, KnownError

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
        self._desk: Desk | None = None
        self._waiting: deque[GenerateRequest] = deque()
        self._active: tuple[Generation, Generator[Rows, int, None]] | None = None
        self._rows: Rows | None = None

    def run(self) -> None:
        try:
            while self._take_frames():
                self._step()
        finally:
            self._end(None)
            self._unload()
            self._renderer.close()

    def _take_frames(self) -> bool:
        """Handles what came in; waits for something when there is nothing to do. False at the end."""
        while self._active is None or not self._inbox.empty():
            if self._active is None and self._waiting and self._inbox.empty():
                self._begin(self._waiting.popleft())
                continue
            frame = self._inbox.get()
            if frame is None:
                return False
            self._handle(frame)
        return True

    def _handle(self, frame: ToChild) -> None:
        if isinstance(frame, Load):
            self._load(frame.plan)
        elif isinstance(frame, Generate):
            self._waiting.append(frame.request)
            if self._active is not None:
                self._send(PhaseMoved(id=frame.request.id, phase=Phase.QUEUED))
        elif isinstance(frame, Cancel):
            self._drop_waiting(frame.id)

    def _drop_waiting(self, request_id: str) -> None:
        """Ends a request that had not begun. An active one sees the cancel itself."""
        for request in self._waiting:
            if request.id == request_id:
                self._waiting.remove(request)
                self._control.end(request_id)
                self._send(Finished(id=request_id, stop_reason=StopReason.CANCELLED))
                return

    def _load(self, plan: LoadPlan) -> None:
        self._unload()
        try:
            self._renderer.start()  # it starts while the file is read
            model = load_model(self._library, plan, self._tell_progress, self._control.is_load_cancelled)
            self._desk = self._furnish(model)
        except KnownError as error:
            log.info("not loaded: %s", error)
            self._send(LoadFailed(notice=error.notice))
            return
        self._send(Loaded(model=self._describe(model, self._desk.context)))

    def _furnish(self, model: Model) -> Desk:
        plan = model.plan
        try:
            context = Context(self._library, model, self._clock, self._control.abort_flag)
        except KnownError:
            model.close()
            raise
        step = exact_step_tokens(context, model.vocabulary.size) if plan.reference else context.step_tokens
        pace = Pace(step, is_abortable=context.is_abortable, is_fixed=plan.reference)
        slot = Slot(context, model.window_tokens, is_recurrent=model.is_recurrent)
        return Desk(self._library.api, model, context, slot, PromptMaker(model, self._renderer), pace)

    def _describe(self, model: Model, context: Context) -> LoadedModel:
        return LoadedModel(
            context_tokens=context.tokens,
            layers=model.layers,
            gpu_layers=model.gpu_layers,
            description=model.description,
            has_template=bool(model.template),
            can_think=can_think(model.template),
            devices=self._library.devices(),
        )

    def _tell_progress(self, progress: float) -> None:
        self._send(LoadProgress(progress=progress))

    def _unload(self) -> None:
        desk, self._desk = self._desk, None
        if desk is not None:
            desk.context.close()
            desk.model.close()

    def _begin(self, request: GenerateRequest) -> None:
        if self._desk is None:
            notice = Notice(code=NoticeCode.NO_MODEL, actions=(Action.CHOOSE_MODEL,))
            self._end(Failed(id=request.id, notice=notice))
            return
        generation = Generation(request, self._desk, self._send, self._control.is_cancelled)
        self._active = generation, generation.run()
        self._rows = None
        self._control.begin(request.id)

    def _step(self) -> None:
        """Evaluates the rows the active answer asked for and lets it go on to the next."""
        assert self._active is not None
        assert self._desk is not None
        generation, steps = self._active
        try:
            self._rows = self._advanced(self._desk, steps)
        except StopIteration:
            self._end(None)
        except Exception as error:
            log.exception("request %s", generation.request.id)
            self._desk.slot.forget()
            notice = BugError(repr(error)[:300]).notice
            self._end(Failed(id=generation.request.id, notice=notice, timings=generation.timings()))

    def _advanced(self, desk: Desk, steps: Generator[Rows, int, None]) -> Rows:
        rows = self._rows
        if rows is None:
            return next(steps)
        try:
            result = desk.context.decode(rows.tokens, rows.position, wants_logits=rows.wants_logits)
        except KnownError as error:
            desk.slot.forget()
            return steps.throw(error)
        return steps.send(result)

    def _end(self, terminal: Failed | None) -> None:
        if self._active is not None:
            generation, steps = self._active
            steps.close()
            self._control.end(generation.request.id)
            self._active = self._rows = None
        if terminal is not None:
            self._control.end(terminal.id)
            self._send(terminal)
