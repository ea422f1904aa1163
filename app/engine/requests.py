"""Requests on their way: each gets exactly one terminal event, and nothing after it.

Knows ids and callbacks, not what an engine is. Driven by one thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from app.domain.generation import Phase, StopReason
from app.domain.notice import Notice
from app.engine.base import (
    Counted,
    Failed,
    Finished,
    GenerateRequest,
    Noticed,
    OnRequestEvent,
    PhaseMoved,
    RequestEvent,
    TextGrew,
)

log = logging.getLogger(__name__)


@dataclass
class Waiting:
    """A request that has had no terminal event yet."""

    request: GenerateRequest
    on_event: OnRequestEvent
    phase: Phase
    is_sent: bool = False
    is_count: bool = False


class Requests:
    """The requests of one engine. `on_change` is called when their number has changed, before the event."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._waiting: dict[str, Waiting] = {}
        self._abandoned: set[str] = set()  # cancelled, but the child has not said that it stopped

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, request_id: str) -> bool:
        """Tells whether the id is in use, be it only by the child."""
        return request_id in self._waiting or request_id in self._abandoned

    @property
    def active(self) -> int:
        """How many answers are waited for; to count is too little to speak of."""
        return sum(not waiting.is_count for waiting in self._waiting.values())

    @property
    def are_sent(self) -> bool:
        """Tells whether the child owes anything."""
        return bool(self._abandoned) or any(waiting.is_sent for waiting in self._waiting.values())

    @property
    def phase(self) -> Phase:
        """Returns where the oldest request that the child works on is."""
        phases = (waiting.phase for waiting in self._waiting.values() if waiting.is_sent)
        return next((phase for phase in phases if phase != Phase.QUEUED), Phase.QUEUED)

    def add(
        self, request: GenerateRequest, on_event: OnRequestEvent, phase: Phase, *, is_count: bool = False
    ) -> None:
        self._waiting[request.id] = Waiting(request, on_event, phase, is_count=is_count)
        self._on_change()
        deliver(on_event, PhaseMoved(id=request.id, phase=phase))

    def unsent(self) -> list[Waiting]:
        return [waiting for waiting in self._waiting.values() if not waiting.is_sent]

    def came(self, event: RequestEvent) -> None:
        """Hands on what the child said; drops it when nobody waits for it any more."""
        waiting = self._waiting.get(event.id)
        if isinstance(event, Counted | Finished | Failed):
            self._abandoned.discard(event.id)
        if waiting is None or not waiting.is_sent:
            return
        if isinstance(event, PhaseMoved):
            waiting.phase = event.phase
        if isinstance(event, PhaseMoved | TextGrew | Noticed):
            deliver(waiting.on_event, event)
        else:
            self.finish(event)

    def abandon(self, request_id: str) -> bool:
        """Ends a request at once as cancelled; says whether the child must be told."""
        waiting = self._waiting.get(request_id)
        if waiting is None:
            return False
        if waiting.is_sent:
            self._abandoned.add(request_id)
        self.finish(Finished(id=request_id, stop_reason=StopReason.CANCELLED))
        return waiting.is_sent

    def hurry(self, request_id: str) -> bool:
        """Makes a request answer without (further) thoughts; says whether the child must be told."""
        waiting = self._waiting.get(request_id)
        if waiting is None:
            return False
        waiting.request = msgspec.structs.replace(waiting.request, reasoning_budget=0)
        return waiting.is_sent

    def finish(self, event: Counted | Finished | Failed) -> None:
        """The one way out: a terminal event is delivered by whoever takes the request off the table."""
        waiting = self._waiting.pop(event.id)
        self._on_change()
        deliver(waiting.on_event, event)

    def fail_all(self, notice: Notice) -> None:
        for request_id in tuple(self._waiting):
            self.finish(Failed(id=request_id, notice=notice))

    def cancel_all(self) -> None:
        for request_id in tuple(self._waiting):
            self.finish(Finished(id=request_id, stop_reason=StopReason.CANCELLED))

    def child_gone(self) -> None:
        """Nothing more can come for what was abandoned."""
        self._abandoned.clear()


def deliver(on_event: OnRequestEvent, event: RequestEvent) -> None:
    """Calls a listener; one that raises must not keep the others from their events."""
    try:
        on_event(event)
    except Exception:
        log.exception("A listener failed on %s", type(event).__name__)
