"""No restart loop: what may be tried after an engine died. Pure; knows plans and when they failed."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from app.domain.engine import LoadPlan

DEATHS_TO_STEP_DOWN = 2
DEATHS_TO_STOP = 3

Ladder = Callable[[LoadPlan], LoadPlan | None]


class Verdict(Enum):
    RETRY = "retry"  # with the next request, the same plan
    STEP_DOWN = "step-down"  # with the next request, a safer plan
    STOP = "stop"  # only when a person asks for it


class Deaths:
    """Counts deaths that are not forgotten yet. `plan` is the one to use next."""

    def __init__(
        self, plan: LoadPlan, ladder: Ladder, *, forget_after_s: float, clock: Callable[[], float]
    ) -> None:
        self.plan = plan
        self._wished = plan
        self._ladder = ladder
        self._forget_after_s = forget_after_s
        self._clock = clock
        self._times: list[float] = []
        self._on_this_plan = 0

    @property
    def count(self) -> int:
        return len(self._times)

    def reset(self) -> None:
        """A person asked for the model: it gets the plan they wished for, and all its tries."""
        self.plan = self._wished
        self._times.clear()
        self._on_this_plan = 0

    def record(self) -> Verdict:
        """Counts a death with the current plan."""
        now = self._clock()
        recent = [time for time in self._times if now - time < self._forget_after_s]
        self._on_this_plan = min(self._on_this_plan, len(recent)) + 1
        self._times = [*recent, now]
        if self.count >= DEATHS_TO_STOP:
            return Verdict.STOP
        if self._on_this_plan < DEATHS_TO_STEP_DOWN:
            return Verdict.RETRY
        safer = self._ladder(self.plan)
        if safer is None:
            return Verdict.RETRY
        self.plan = safer
        self._on_this_plan = 0
        return Verdict.STEP_DOWN


def difference(before: LoadPlan, after: LoadPlan) -> str:
    """Names what changed from one plan to the next, for the facts of PLAN_STEPPED_DOWN."""
    names = (name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name))
    return ", ".join(f"{name} {getattr(before, name)} → {getattr(after, name)}" for name in names)
