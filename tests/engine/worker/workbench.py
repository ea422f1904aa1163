"""Makes answers in this process, without child and wire: a desk on a loaded model and a driver for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.domain.generation import Sampling
from app.engine.base import GenerateRequest, PromptMessage, RequestEvent
from app.engine.worker.bindings import Library
from app.engine.worker.context import Context
from app.engine.worker.control import Control
from app.engine.worker.generate import Desk, Generation
from app.engine.worker.model import Model
from app.engine.worker.pace import Pace
from app.engine.worker.prefix import Slot
from app.engine.worker.prompt import PromptMaker
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
        self.slot = Slot(self.context, model.window_tokens)
        self.renderer: Any = InlineRenderer()
        self.prompts = PromptMaker(model, self.renderer)
        pace = Pace(step, is_abortable=True, is_fixed=True)
        self.desk = Desk(library.api, model, self.context, self.slot, self.prompts, pace)
        self._count = 0

    def begin(
        self, *messages: str | PromptMessage, emit: Callable[[RequestEvent], None], **fields: Any
    ) -> Generation:
        self._count += 1
        fields = {"sampling": GREEDY, **fields}
        request = GenerateRequest(id=f"r{self._count}", messages=chat(*messages), **fields)
        self.control.accept(request.id)
        self.control.begin(request.id)
        return Generation(request, self.desk, emit, self.control.is_cancelled)

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

        generation = self.begin(*messages, emit=emit, **fields)
        steps = generation.run()
        try:
            rows = next(steps)
            while True:
                rows = steps.send(
                    self.context.decode(rows.tokens, rows.position, wants_logits=rows.wants_logits)
                )
        except StopIteration:
            self.control.end(generation.request.id)
        return Answer(list(events))

    def evaluate(self, tokens: list[int], step: int = 32) -> int:
        """Brings the slot to just these tokens; returns how many it had already."""
        kept = done = self.slot.reuse(tokens)
        while done < len(tokens):
            part = tokens[done : done + step]
            assert self.context.decode(part, done) == 0
            self.slot.tokens.extend(part)
            done += len(part)
        return kept

    def close(self) -> None:
        self.context.close()


def sampling(**fields: Any) -> Sampling:
    return Sampling(**{"temperature": 0, "max_tokens": 16, **fields})
