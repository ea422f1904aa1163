"""An engine loop in this process, what it is to be sent and what it said."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

from app.engine.base import Counted, Failed, Finished, GenerateRequest
from app.engine.wire import Cancel, Count, FromChild, Generate, Load
from app.engine.worker.control import Control
from app.engine.worker.engineloop import EngineLoop, Inbox
from app.engine.worker.stepclock import StepClock
from app.engine.worker.template import TemplateRenderer
from app.spawn import Role as ProcessRole
from app.spawn import role_argv
from tests.engine.worker.childclient import GREEDY, Answer, chat
from tests.engine.worker.conftest import plan_of
from tests.realmodels import smollm2

TEMPLATE = "{{ messages[0].content }}"


class Loop:
    """An engine loop, what it is to be sent and what it said."""

    def __init__(self, library) -> None:
        self.inbox: Inbox = queue.SimpleQueue()
        self.control = Control()
        self.frames: list[FromChild] = []
        self.on_frame: Callable[[FromChild], None] = lambda _frame: None
        renderer = TemplateRenderer(tuple(role_argv(ProcessRole.TEMPLATE)))
        self.loop = EngineLoop(library, renderer, self.control, StepClock(), self.inbox, self._said)

    def load(self, path: Path = smollm2(), **fields: object) -> None:  # noqa: B008
        fields = {"context_tokens": 512, **fields}
        self.inbox.put(Load(plan=plan_of(path, **fields)))

    def generate(self, request_id: str, text: str = "Once upon a", **fields: object) -> None:
        assert self.control.accept(request_id)
        fields = {"sampling": GREEDY, "chat_template": TEMPLATE, **fields}
        self.inbox.put(Generate(request=GenerateRequest(id=request_id, messages=chat(text), **fields)))

    def count(self, request_id: str, text: str = "Once upon a", **fields: object) -> None:
        assert self.control.accept(request_id)
        fields = {"sampling": GREEDY, "chat_template": TEMPLATE, **fields}
        self.inbox.put(Count(request=GenerateRequest(id=request_id, messages=chat(text), **fields)))

    def counted(self, request_id: str) -> Counted:
        (counted,) = [f for f in self.frames if isinstance(f, Counted) and f.id == request_id]
        return counted

    def cancel(self, request_id: str) -> None:
        self.control.cancel(request_id)
        self.inbox.put(Cancel(id=request_id))

    def run(self) -> None:
        """Until everything sent so far, and what `on_frame` sends, is done."""
        self.inbox.put(None)
        self.loop.run()

    def end_of(self, request_id: str) -> Finished | Failed:
        (end,) = [f for f in self.frames if isinstance(f, Finished | Failed) and f.id == request_id]
        return end

    def answer(self, request_id: str) -> Answer:
        return Answer([frame for frame in self.frames if getattr(frame, "id", None) == request_id])

    def _said(self, frame: FromChild) -> None:
        self.frames.append(frame)
        self.on_frame(frame)


def at_end_of(loop: Loop, request_id: str) -> None:
    """Lets the loop end when that request did: `None` overtakes nothing that runs."""

    def watch(frame: FromChild) -> None:
        if isinstance(frame, Finished | Failed) and frame.id == request_id:
            loop.inbox.put(None)

    loop.on_frame = watch
    loop.loop.run()
