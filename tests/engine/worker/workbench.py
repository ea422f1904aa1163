"""Makes answers in this process, without child and wire: a desk on a loaded model and a driver for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from app.domain.generation import Sampling
from app.engine.base import GenerateRequest, PromptMessage, RequestEvent
from app.engine.worker.batch import Part
from app.engine.worker.bindings import Library
from app.engine.worker.context import ABORTED, Context
from app.engine.worker.control import Control
from app.engine.worker.generate import Desk, Generation, Outcome, Rows
from app.engine.worker.model import Model
from app.engine.worker.prompt import PromptMaker
from app.engine.worker.slot import CacheKind, Slot
from app.engine.worker.stepclock import StepClock
from app.engine.worker.template import Rendered, RenderJob
from tests.engine.worker.childclient import GREEDY, Answer, chat

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
GEMMA = (
    "{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ m.content }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


class InlineRenderer:
    """Renders at once, in this process."""

    def __init__(self) -> None:
        self.jobs: list[RenderJob] = []

    def render(self, job: RenderJob, _is_cancelled: Callable[[], bool]) -> Rendered:
        from app.engine.worker.sandbox import render

        self.jobs.append(job)
        return render(job)


class Workbench:
    """One slot on one model. `close` frees the context; the model is somebody else's."""

    def __init__(self, library: Library, model: Model, step: int = 32) -> None:
        self.control = Control()
        library.log.is_expected = self.control.is_aborting
        self.clock = StepClock()
        self.context = Context(library, model, self.clock, self.control.abort_flag)
        self.memory = self.context.memory
        self.kind = CacheKind(window_tokens=model.window_tokens, is_recurrent=model.is_recurrent)
        self.slot = Slot(self.memory, self.kind, 0)
        self.step = step
        self.renderer: Any = InlineRenderer()
        self.prompts = PromptMaker(model, self.renderer)
        self.desk = Desk(library.api, model, self.context.pointer, self.context.tokens, self.prompts)
        self._count = 0

    def begin(
        self, *messages: str | PromptMessage, emit: Callable[[RequestEvent], None], **fields: Any
    ) -> Generation:
        self._count += 1
        fields = {"sampling": GREEDY, **fields}
        request = GenerateRequest(id=f"r{self._count}", messages=chat(*messages), **fields)
        self.control.accept(request.id)
        self.control.begin(request.id)
        return Generation(request, self.desk, emit)

    def ask(
        self,
        *messages: str | PromptMessage,
        on_event: Callable[[RequestEvent], None] = lambda _event: None,
        **fields: Any,
    ) -> Answer:
        events: list[RequestEvent] = []

        def emit(event: RequestEvent) -> None:
            events.append(event)
            on_event(event)

        self.drive(self.begin(*messages, emit=emit, **fields))
        return Answer(list(events))

    def drive(self, generation: Generation) -> None:
        """Makes the whole answer in the one slot."""
        request_id = generation.request.id
        generation.prepare(lambda: [self.slot.said()], self.control.is_cancelled)
        if not generation.is_over:
            assert generation.prompt is not None
            self.slot.reuse(generation.prompt)
            generation.begin(self.slot, time.monotonic())
        while generation.wants is not None:
            if self.control.is_cancelled(request_id):
                generation.cancel()
                break
            outcome = self.evaluated(generation.wants)
            if outcome.result == ABORTED:
                self.slot.recover()
                generation.cancel()
            else:
                generation.advance(outcome)
        self.control.end(request_id)

    def evaluated(self, rows: Rows) -> Outcome:
        tokens = rows.tokens[: self.step] if rows.is_prompt else rows.tokens
        result = self.decode(tokens, rows.position)
        return Outcome(result, len(tokens), len(tokens) - 1)

    def decode(self, tokens: Sequence[int], position: int) -> int:
        return self.context.decode([Part(0, tokens, position)])

    def evaluate(self, tokens: list[int], step: int = 32) -> int:
        """Brings the slot to just these tokens; returns how many it had already."""
        kept = done = self.slot.reuse(tokens)
        while done < len(tokens):
            part = tokens[done : done + step]
            assert self.decode(part, done) == 0
            self.slot.tokens.extend(part)
            done += len(part)
        return kept

    def close(self) -> None:
        self.context.close()


def sampling(**fields: Any) -> Sampling:
    return Sampling(**{"temperature": 0, "max_tokens": 16, **fields})
