"""A scheduler in this process on a tiny model: requests in, events out, one step at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.domain.generation import Sampling
from app.engine.base import Failed, Finished, GenerateRequest, PhaseMoved, PromptMessage, RequestEvent
from app.engine.worker.batch import Part
from app.engine.worker.bindings import Library
from app.engine.worker.context import Context
from app.engine.worker.control import Control
from app.engine.worker.engineloop import scheduler_of
from app.engine.worker.model import Model, load_model
from app.engine.worker.prompt import Prompt, PromptMaker
from app.engine.worker.stepclock import StepClock
from tests.engine.worker.childclient import Answer, chat
from tests.engine.worker.conftest import plan_of
from tests.engine.worker.workbench import InlineRenderer

MOST_STEPS = 5000


class SchedulerRig:
    """Loads a model of its own; `close` frees it. `parts` is what each step consisted of."""

    def __init__(self, library: Library, path: Path, **plan: Any) -> None:
        # In single precision sums differ so little with their order that words do not.
        plan = {"kv_type": "f32", **plan}
        self.model = load_model(library, plan_of(path, **plan), lambda _progress: None, lambda: False)
        self.control = Control()
        library.log.is_expected = self.control.is_aborting
        self.context = Context(library, self.model, StepClock(), self.control.abort_flag)
        self.events: dict[str, list[RequestEvent]] = defaultdict(list)
        self.ended: list[str] = []
        self.on_event: Callable[[RequestEvent], None] = lambda _event: None
        self.parts: list[list[Part]] = []
        self.prompts: dict[str, list[int]] = {}  # tokens, by request
        prompts = _NotedPrompts(self.model, InlineRenderer(), self.prompts)
        self.scheduler = scheduler_of(
            library.api, self.model, self.context, prompts, self.control, self._heard
        )
        self.slots = self.scheduler._slots
        self._decode, self.context.decode = self.context.decode, self._watched

    def add(
        self, name: str, *messages: str | PromptMessage, tokens: int = 8, sampling: Any = None, **fields: Any
    ) -> None:
        assert self.control.accept(name)
        sampling = sampling or Sampling(temperature=0, max_tokens=tokens)
        request = GenerateRequest(id=name, messages=chat(*messages), sampling=sampling, **fields)
        self.scheduler.add(request)

    def run(self, until: Callable[[], bool] | None = None) -> None:
        """Steps until nothing is left to do, or something holds."""
        for _ in range(MOST_STEPS):
            if self.scheduler.is_idle or (until is not None and until()):
                return
            self.scheduler.step()
        raise AssertionError("it goes on for ever")

    def ask(self, name: str, *messages: str | PromptMessage, **fields: Any) -> Answer:
        self.add(name, *messages, **fields)
        self.run()
        return self.answer(name)

    def answer(self, name: str) -> Answer:
        return Answer(list(self.events[name]))

    def phases(self, name: str) -> list[str]:
        phases = [event.phase.value for event in self.events[name] if isinstance(event, PhaseMoved)]
        return [each for number, each in enumerate(phases) if number == 0 or phases[number - 1] != each]

    def close(self) -> None:
        self.scheduler.close()
        self.context.close()
        self.model.close()

    def _heard(self, event: RequestEvent) -> None:
        self.events[event.id].append(event)
        if isinstance(event, Finished | Failed):
            self.ended.append(event.id)
        self.on_event(event)

    def _watched(self, parts: list[Part]) -> int:
        self.parts.append(list(parts))
        return self._decode(parts)


class _NotedPrompts(PromptMaker):
    """Makes prompts and notes them."""

    def __init__(self, model: Model, renderer: Any, made: dict[str, list[int]]) -> None:
        super().__init__(model, renderer)
        self._made = made

    def make(self, request: GenerateRequest, *arguments: Any) -> Prompt:
        prompt = super().make(request, *arguments)
        self._made[request.id] = prompt.tokens
        return prompt
