"""Frames on their way to the host. Whoever produces them never waits for the pipe.

Text that piles up while the host is slow is merged, so that a slow host costs no more than it must.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import BinaryIO

from app.engine.base import TextGrew
from app.engine.wire import FromChild, encode

log = logging.getLogger(__name__)


class Outbox:
    """Writes frames in order on a thread of its own. `on_fault` is called there when a bug ends it."""

    def __init__(self, stream: BinaryIO, on_fault: Callable[[], None] = lambda: None) -> None:
        self._stream = stream
        self._on_fault = on_fault
        self._is_open = True
        self._frames: queue.SimpleQueue[FromChild | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="wire-writer", daemon=True)
        self._thread.start()

    def put(self, frame: FromChild) -> None:
        if self._is_open:  # else nobody takes frames any more, and they would pile up
            self._frames.put(frame)

    def is_empty(self) -> bool:
        return self._frames.empty()

    def close(self, seconds: float = 1.0) -> None:
        """Writes what is left, for at most so long."""
        self._frames.put(None)
        self._thread.join(seconds)

    def _write_all(self) -> None:
        try:
            is_open = True
            while is_open:
                frames, is_open = self._take()
                self._stream.write(b"".join(encode(frame) for frame in merged(frames)))
                self._stream.flush()
        except OSError:
            # The host is gone; the reader sees the same and ends the process.
            log.info("the host no longer reads")
        except Exception:
            log.exception("the writer ended")
            self._on_fault()
        self._is_open = False

    def _take(self) -> tuple[list[FromChild], bool]:
        """Waits for one frame and returns all there are, and whether more may come."""
        frame = self._frames.get()
        frames: list[FromChild] = []
        while frame is not None:
            frames.append(frame)
            if self._frames.empty():
                return frames, True
            frame = self._frames.get()
        return frames, False


def merged(frames: list[FromChild]) -> list[FromChild]:
    """Joins neighbouring texts of one request. Content never overtakes reasoning: both only grow."""
    result: list[FromChild] = []
    for frame in frames:
        last = result[-1] if result else None
        if isinstance(frame, TextGrew) and isinstance(last, TextGrew) and last.id == frame.id:
            result[-1] = TextGrew(
                id=frame.id,
                content=last.content + frame.content,
                reasoning=last.reasoning + frame.reasoning,
            )
        else:
            result.append(frame)
    return result
