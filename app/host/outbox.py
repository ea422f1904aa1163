"""What waits to be sent to one client: bounded, merged, and never waited for.

A reply always goes through. Events are dropped all together when a client falls too far behind; it is then
told to subscribe again, once.
"""

from __future__ import annotations

import threading
from collections import deque

import msgspec

from app.client.protocol import Answer, Happened, Resync, Snapshot, ToClient, encode
from app.events import Event, MessageGrew

MAX_EVENTS = 2000
MAX_MERGED_CHARS = 64_000


class Outbox:
    """Filled by the core's thread, emptied by the client's writer."""

    def __init__(self, max_events: int = MAX_EVENTS) -> None:
        self._max_events = max_events
        self._ready = threading.Condition()
        self._frames: deque[Answer | Resync | Event] = deque()
        self._events = 0
        self._seq = 0  # of the last event taken since the snapshot
        self._is_subscribed = False
        self._is_closed = False

    def answer(self, answer: Answer) -> None:
        """Queues a reply. A snapshot starts the events: they count from here on."""
        with self._ready:
            if isinstance(answer.reply, Snapshot):
                self._drop_events()
                self._is_subscribed = True
            self._frames.append(answer)
            self._ready.notify()

    def happened(self, event: Event) -> None:
        """Queues an event, merging text that follows text of the same message."""
        with self._ready:
            if not self._is_subscribed or self._is_closed:
                return
            if self._merge(event):
                return
            if self._events >= self._max_events:
                self._drop_events()
                self._is_subscribed = False
                self._frames.append(Resync())
            else:
                self._frames.append(event)
                self._events += 1
            self._ready.notify()

    def take(self) -> bytes | None:
        """Waits for the next frame; None when closed and empty."""
        with self._ready:
            while not self._frames:
                if self._is_closed:
                    return None
                self._ready.wait()
            return encode(self._pop())

    def close(self) -> None:
        """No more frames come; those queued may still be taken."""
        with self._ready:
            self._is_closed = True
            self._ready.notify()

    def _pop(self) -> ToClient:
        """Numbers events as they leave, so that a client sees a gap only when something is wrong."""
        frame = self._frames.popleft()
        if isinstance(frame, Answer):
            if isinstance(frame.reply, Snapshot):
                self._seq = frame.reply.seq
            return frame
        if isinstance(frame, Resync):
            return frame
        self._events -= 1
        self._seq += 1
        return Happened(seq=self._seq, event=frame)

    def _merge(self, event: Event) -> bool:
        last = self._frames[-1] if self._frames else None
        if last is None or isinstance(last, Answer | Resync):
            return False
        grown = merged(last, event)
        if grown is None:
            return False
        self._frames[-1] = grown
        return True

    def _drop_events(self) -> None:
        self._frames = deque(frame for frame in self._frames if isinstance(frame, Answer | Resync))
        self._events = 0


def merged(earlier: Event, later: Event) -> MessageGrew | None:
    """Returns one event for two growths of one message in a row, or None when they do not join."""
    if not (isinstance(earlier, MessageGrew) and isinstance(later, MessageGrew)):
        return None
    joins = (
        earlier.message_id == later.message_id
        and earlier.content_offset + len(earlier.content) == later.content_offset
        and earlier.reasoning_offset + len(earlier.reasoning) == later.reasoning_offset
    )
    size = len(earlier.content) + len(earlier.reasoning) + len(later.content) + len(later.reasoning)
    if not joins or size > MAX_MERGED_CHARS:
        return None
    return msgspec.structs.replace(
        earlier, content=earlier.content + later.content, reasoning=earlier.reasoning + later.reasoning
    )
