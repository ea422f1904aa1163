"""A request on its way through the scheduler, and who goes first."""

from __future__ import annotations

from app.domain.generation import Priority
from app.engine.worker.generate import Generation


class Job:
    """Of two jobs the smaller goes first: the more urgent, else the one that came earlier."""

    def __init__(self, generation: Generation, number: int) -> None:
        self.generation = generation
        self.id = generation.request.id
        self.priority: Priority = generation.request.priority
        self._rank = self.priority, number
        self._is_told = False

    def __lt__(self, other: Job) -> bool:
        return self._rank < other._rank

    @property
    def cells(self) -> int:
        """How many positions it needs to go on."""
        generation = self.generation
        made = len(generation.slot.tokens) if generation.slot is not None else 0
        return max(len(generation.prompt or ()), made) + 1

    def tell_queued(self) -> None:
        """Says so once."""
        if not self._is_told:
            self._is_told = True
            self.generation.tell_queued()

    def tell_resumed(self) -> None:
        self._is_told = False
        self.generation.tell_phase()
