"""Counts and times `llama_decode` calls, for the heartbeat: a long step is not a hang, silence is."""

from __future__ import annotations

import time


class StepClock:
    """Written by the engine thread, read by the heartbeat thread."""

    def __init__(self) -> None:
        self.steps = 0
        self._running: tuple[int, float] | None = None

    def begin(self, tokens: int) -> None:
        self._running = (tokens, time.monotonic())

    def end(self) -> float:
        """Returns how many seconds the step took."""
        running, self._running = self._running, None
        self.steps += 1
        return time.monotonic() - running[1] if running else 0.0

    def running(self) -> tuple[int, float]:
        """Returns the size of the step in progress and for how many milliseconds it has been running."""
        running = self._running
        if running is None:
            return 0, 0.0
        tokens, begun = running
        return tokens, (time.monotonic() - begun) * 1000
