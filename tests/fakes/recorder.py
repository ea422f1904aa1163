"""A client listener that keeps everything it hears, for tests to wait on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from app.client.client import ConnectionState
from app.client.protocol import Snapshot
from app.domain.chat import Message, MessageStatus
from app.domain.notice import Notice
from app.events import Event, MessageAdded, MessageChanged, MessageGrew
from tests.waiting import wait_until

E = TypeVar("E")


class Recorder:
    """Implements `ClientListener`. `gate`, when cleared, blocks the client's thread: a client that stops
    reading."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []
        self.events: list[Event] = []
        self.states: list[tuple[ConnectionState, Notice | None]] = []
        self.gate = threading.Event()
        self.gate.set()

    def snapshot(self, snapshot: Snapshot) -> None:
        self.gate.wait()
        self.snapshots.append(snapshot)

    def happened(self, event: Event) -> None:
        self.gate.wait()
        self.events.append(event)

    def connection_changed(self, state: ConnectionState, notice: Notice | None) -> None:
        self.states.append((state, notice))

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in tuple(self.events) if isinstance(event, kind)]

    def wait_for(self, kind: type[E], condition: Callable[[E], bool] = lambda event: True) -> E:
        """Waits for the first event of a kind that meets the condition."""
        found = wait_until(lambda: [event for event in self.of(kind) if condition(event)], what=kind.__name__)
        return found[0]

    def wait_for_text(self, answer_id: str, chars: int = 1) -> None:
        """Waits until an answer has begun."""
        wait_until(lambda: len(self.text_of(answer_id)) >= chars, what="the first text of an answer")

    def wait_for_end(self, answer_id: str) -> Message:
        """Waits for the final state of an answer and returns it."""
        changed = self.wait_for(
            MessageChanged,
            lambda event: (
                event.message.id == answer_id and event.message.status is not MessageStatus.STREAMING
            ),
        )
        return changed.message

    def text_of(self, answer_id: str) -> str:
        """The text of an answer as it was heard in pieces; fails when the pieces do not join."""
        text = ""
        for event in tuple(self.events):
            if isinstance(event, MessageAdded) and event.message.id == answer_id:
                text = event.message.content
            elif isinstance(event, MessageGrew) and event.message_id == answer_id:
                assert event.content_offset == len(text), "a piece is missing or came twice"
                text += event.content
        return text
