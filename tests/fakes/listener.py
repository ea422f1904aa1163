"""Hears one request of an engine and waits for what it says."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

from app.domain.chat import Role
from app.domain.generation import Phase, Sampling, StopReason
from app.domain.notice import NoticeCode
from app.engine.base import (
    Counted,
    Engine,
    Failed,
    Finished,
    GenerateRequest,
    PhaseMoved,
    PromptMessage,
    RequestEvent,
    TextGrew,
)
from tests.waiting import wait_until

_numbers = itertools.count(1)


def request_for(text: str, *, request_id: str = "", **fields: object) -> GenerateRequest:
    """Returns a request with one message of a user and an id of its own."""
    messages = (PromptMessage(role=Role.USER, content=text),)
    fields = {"sampling": Sampling(temperature=0.0, max_tokens=None), **fields}
    return GenerateRequest(id=request_id or f"request-{next(_numbers)}", messages=messages, **fields)


class Listener:
    """`events` are all that came, `at` the moment each did (monotonic seconds)."""

    def __init__(self) -> None:
        self.events: list[RequestEvent] = []
        self.at: list[float] = []
        self.threads: set[str] = set()

    @classmethod
    def asking(cls, engine: Engine, text: str, **fields: object) -> Listener:
        listener = cls()
        listener.request = request_for(text, **fields)
        engine.generate(listener.request, listener)
        return listener

    request: GenerateRequest

    def __call__(self, event: RequestEvent) -> None:
        self.at.append(time.monotonic())
        self.threads.add(threading.current_thread().name)
        self.events.append(event)

    @property
    def terminals(self) -> list[RequestEvent]:
        return [event for event in self.events if isinstance(event, Counted | Finished | Failed)]

    @property
    def text(self) -> str:
        return "".join(event.content for event in self.events if isinstance(event, TextGrew))

    @property
    def reasoning(self) -> str:
        return "".join(event.reasoning for event in self.events if isinstance(event, TextGrew))

    @property
    def phases(self) -> list[Phase]:
        return [event.phase for event in self.events if isinstance(event, PhaseMoved)]

    @property
    def code(self) -> NoticeCode | None:
        """The code it failed with."""
        end = self.end()
        return end.notice.code if isinstance(end, Failed) else None

    @property
    def stop_reason(self) -> StopReason | None:
        end = self.end()
        return end.stop_reason if isinstance(end, Finished) else None

    def end(self, seconds: float = 20.0) -> Counted | Finished | Failed:
        """Waits for the terminal event."""
        wait_until(lambda: self.terminals, seconds, "a terminal event")
        assert len(self.terminals) == 1
        assert self.events[-1] is self.terminals[0]
        return self.terminals[0]

    def wait(self, matches: Callable[[RequestEvent], bool], what: str, seconds: float = 20.0) -> RequestEvent:
        """Waits for an event; fails at once when the request ended without it."""

        def found() -> RequestEvent | None:
            hit = next((event for event in tuple(self.events) if matches(event)), None)
            assert hit is not None or not self.terminals, f"ended without {what}: {self.terminals}"
            return hit

        return wait_until(found, seconds, what)

    def wait_for_phase(self, phase: Phase, seconds: float = 20.0) -> RequestEvent:
        return self.wait(lambda e: isinstance(e, PhaseMoved) and e.phase == phase, str(phase), seconds)

    def wait_for_text(self, seconds: float = 20.0) -> RequestEvent:
        return self.wait(lambda e: isinstance(e, TextGrew) and bool(e.content), "text", seconds)
