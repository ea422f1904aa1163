"""When is a child hung? Pure bookkeeping: it is told what was seen and says for how long nothing was.

A thread that beats while `llama_decode` hangs proves nothing. Proof of life is a frame that says something
new, a step more, CPU time beyond what beating costs, or data read. How long silence may last depends on what
runs: a step may take ten times as long as the longest of its size did. Until one of its size has finished
nobody knows that (shaders compile then), so the first gets a minute.
"""

from __future__ import annotations

from collections.abc import Callable

from app.domain.engine import EngineState
from app.domain.generation import Phase
from app.domain.value import Value
from app.engine.base import Counted, Failed, Finished, PhaseMoved, TextGrew
from app.engine.process import LifeSigns
from app.engine.wire import FromChild, Heartbeat, HelloReply, Loaded, LoadFailed

# Below these, signs of life may be the heartbeat's own.
LEAST_CPU_S = 0.03
LEAST_CPU_SHARE = 0.01
LEAST_IO_BYTES = 4096


class Limits(Value):
    """How patient a supervisor is. Seconds."""

    silent_s: float = 5.0
    step_factor: float = 10.0
    first_step_s: float = 60.0
    start_silent_s: float = 60.0
    load_silent_s: float = 60.0
    end_grace_s: float = 3.0  # between asking a child to end and killing it
    unkillable_s: float = 10.0  # then it is left to the system
    forget_deaths_s: float = 600.0
    tick_s: float = 0.25
    slept_s: float = 2.0  # a longer time between two ticks says nothing about the child


class Silence:
    """Watches one child. `restart` begins anew when the child owes something after having been idle."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._alive_at = clock()
        self._beat: Heartbeat | None = None
        self._beat_at = 0.0
        self._told: dict[str, FromChild] = {}
        self._longest_ms: dict[int, float] = {}  # of finished steps, by size class
        self._size = 0  # of the step that runs, as far as is known
        self._signs: tuple[float, LifeSigns] | None = None

    @property
    def silent_s(self) -> float:
        return self._clock() - self._alive_at

    def restart(self) -> None:
        self._alive_at = self._clock()
        self._signs = None

    def limit_s(self, state: EngineState) -> float:
        """Returns how long the silence may last now."""
        limits = self._limits
        if state == EngineState.STARTING:
            return limits.start_silent_s
        if state == EngineState.LOADING:
            return limits.load_silent_s
        if self._size == 0:  # between steps: in the template, say
            return limits.silent_s if self._longest_ms else limits.first_step_s
        longest_ms = self._longest_ms.get(self._size.bit_length())
        if longest_ms is None:
            return limits.first_step_s
        return max(limits.silent_s, limits.step_factor * longest_ms / 1000)

    def saw(self, frame: FromChild) -> None:
        if isinstance(frame, Heartbeat):
            self._saw_beat(frame)
        elif self._is_news(frame):
            self._live()

    def saw_signs(self, signs: LifeSigns | None) -> None:
        """Compares with the signs of when it was last alive (or first asked about)."""
        if signs is None:
            return
        now = self._clock()
        if self._signs is None or signs.cpu_s < self._signs[1].cpu_s:  # a helper and its times are gone
            self._signs = (now, signs)
            return
        since, before = self._signs
        has_computed = signs.cpu_s - before.cpu_s > LEAST_CPU_S + LEAST_CPU_SHARE * (now - since)
        if has_computed or signs.io_bytes - before.io_bytes > LEAST_IO_BYTES:
            self._live()
            self._signs = (now, signs)

    def _live(self) -> None:
        self._alive_at = self._clock()
        self._signs = None

    def _saw_beat(self, beat: Heartbeat) -> None:
        before, now = self._beat, self._clock()
        if before is None or beat.steps != before.steps:
            self._live()
            if before is not None and before.step_tokens:
                # It ended at some time between the two beats, which with many answers may be far apart.
                steps = max(beat.steps - before.steps, 1)
                self._finished(before.step_tokens, before.step_ms + (now - self._beat_at) * 1000 / steps)
        self._beat, self._beat_at = beat, now
        self._size = beat.step_tokens

    def _end_step(self) -> None:
        """Text comes when a step has ended, and so has the one that the last beat saw."""
        beat = self._beat
        if beat is not None and beat.step_tokens and beat.step_tokens == self._size:
            self._finished(self._size, beat.step_ms + (self._clock() - self._beat_at) * 1000)

    def _is_news(self, frame: FromChild) -> bool:
        kind = type(frame).__name__
        before, self._told[kind] = self._told.get(kind), frame
        if isinstance(frame, TextGrew):
            self._end_step()
            self._finished(1)
            self._size = 1
            return bool(frame.content or frame.reasoning)
        if isinstance(frame, PhaseMoved):
            self._saw_phase(frame, before)
        return (
            isinstance(frame, Counted | Finished | Failed | Loaded | LoadFailed | HelloReply)
            or frame != before
        )

    def _saw_phase(self, frame: PhaseMoved, before: FromChild | None) -> None:
        if frame.phase == Phase.DECODE:
            self._size = 1
        elif isinstance(before, PhaseMoved) and before.id == frame.id and before.phase == Phase.PREFILL:
            self._finished(max(frame.done - before.done, 0))

    def _finished(self, tokens: int, milliseconds: float = 0.0) -> None:
        if tokens:
            size = tokens.bit_length()
            self._longest_ms[size] = max(self._longest_ms.get(size, 0.0), milliseconds)
