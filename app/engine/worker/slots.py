"""All conversations a context remembers: live ones in its cache, parked ones in RAM.

Idle slots do not stay in the cache while another works: its every step would walk over their cells. They are
parked, and found again by what their tokens begin with. What is forgotten first when RAM or cells run out
is always what was used longest ago; a slot that is busy is never forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from app.engine.worker.prefix import common_prefix
from app.engine.worker.slot import CacheKind, SequenceMemory, Slot

log = logging.getLogger(__name__)

WORTH_KEEPING_TOKENS = 64  # what would be forgotten, for a copy to be worth it
WORTH_SHARING_TOKENS = 32
# Of a prompt's end, what the template writes to begin an answer; history has it otherwise (`<think>`).
ANSWER_BEGINS_TOKENS = 8


class Slots:
    """`count` sequences may be live at once and share `cells` positions; parked ones take `park_bytes`."""

    def __init__(
        self, memory: SequenceMemory, kind: CacheKind, *, count: int, cells: int, park_bytes: int
    ) -> None:
        self._memory = memory
        self._kind = kind
        self._cells = cells
        self._park_bytes = park_bytes
        self._free = list(range(count))  # sequences no slot has
        self._slots: list[Slot] = []  # the one used last at the end

    def live(self) -> list[Slot]:
        return [slot for slot in self._slots if slot.sequence is not None]

    def parked(self) -> list[Slot]:
        return [slot for slot in self._slots if slot.sequence is None]

    def said(self) -> list[list[int]]:
        """Returns what every conversation consists of, the one used last first."""
        return [slot.said() for slot in reversed(self._slots) if not slot.is_busy]

    def is_any_free(self) -> bool:
        """Tells whether a sequence can be had for another conversation."""
        return bool(self._free) or any(not slot.is_busy for slot in self.live())

    def fit(self, count: int) -> bool:
        """Tells whether so many positions fit beside those that busy slots have or are about to have."""
        busy = [slot for slot in self.live() if slot.is_busy]
        return sum(max(len(slot.tokens), slot.prompt_count) for slot in busy) + count <= self._cells

    def lacks(self, count: int) -> bool:
        """Tells whether so many positions more are not free, parking what is idle to free them."""
        idle = [slot for slot in self.live() if not slot.is_busy]
        while self._free_cells() < count:
            if not idle:
                return True
            self._park(idle.pop(0))
        return False

    def park_idle(self) -> None:
        for slot in [each for each in self.live() if not each.is_busy]:
            self._park(slot)

    def take(self, prompt: Sequence[int]) -> Slot:
        """Returns a busy live slot that has as much of the prompt as can be had, and nothing else. Some
        sequence must be free or idle."""
        slot = self._best(prompt)
        if slot is not None:
            self._use(slot)
        self.park_idle()
        if slot is None:
            slot = self._fresh(prompt)
            slot.reuse(prompt)
            return slot
        # No sooner: as long as both are whole, one of them is forgotten.
        is_copied = self._keep_copy(slot, prompt)
        if slot.sequence is None and not slot.wake(self._sequence()):
            log.info("a parked conversation could not be restored")
        slot.reuse(prompt)
        if is_copied:
            self._shrink()
        return slot

    def reusable(self, prompt: Sequence[int]) -> int:
        """Returns how much of the prompt `take` would find."""
        slot = self._best(prompt)
        return slot.reusable(prompt) if slot is not None else 0

    def release(self, slot: Slot) -> None:
        """The slot is idle from now on, but stays where it is."""
        slot.is_busy = False
        if not slot.tokens:
            self._drop(slot)

    def suspend(self, slot: Slot) -> bool:
        """Parks a busy slot; it stays busy. False when its tokens were lost."""
        return self._park(slot)

    def resume(self, slot: Slot) -> bool:
        """Brings a suspended slot back. False when its tokens were lost."""
        self.park_idle()
        is_whole = slot.wake(self._sequence())
        self._use(slot)
        return is_whole

    def _free_cells(self) -> int:
        return self._cells - sum(len(slot.tokens) for slot in self.live())

    def _best(self, prompt: Sequence[int]) -> Slot | None:
        """Of two that have the same, the live one; else the one used last. One that would no longer fit
        beside those that are busy cannot be woken."""
        room = self._cells - sum(len(slot.tokens) for slot in self.live() if slot.is_busy)
        idle = [
            (slot.reusable(prompt), slot)
            for slot in self._slots
            if not slot.is_busy and (slot.sequence is not None or len(slot.tokens) <= room)
        ]
        if not idle:
            return None
        kept, slot = max(
            enumerate(idle), key=lambda each: (each[1][0], each[1][1].sequence is not None, each[0])
        )[1]
        return slot if kept > 0 else None

    def _fresh(self, prompt: Sequence[int]) -> Slot:
        """Returns a new slot; what it has in common with a busy one it shares with it."""
        slot = Slot(self._memory, self._kind, self._sequence())
        busy = self.live() if self._kind.is_plain else []
        self._slots.append(slot)
        self._use(slot)
        common = [(common_prefix(each.tokens, prompt), number) for number, each in enumerate(busy)]
        count, number = max(common, default=(0, 0))
        if count >= WORTH_SHARING_TOKENS:
            slot.share(busy[number], min(count, len(prompt) - 1))
        return slot

    def _sequence(self) -> int:
        """Returns a sequence nothing is in. There is one: idle slots are parked by now."""
        return self._free.pop(0)

    def _keep_copy(self, slot: Slot, prompt: Sequence[int]) -> bool:
        """Keeps the other branch, or the other chat, when this one cuts it off. One that parts only where the
        answer begins is made again: to keep all those would fill the memory. Says whether it did."""
        common = common_prefix(slot.tokens, prompt)
        is_made_again = common + ANSWER_BEGINS_TOKENS >= slot.prompt_count
        if is_made_again or len(slot.tokens) - common < WORTH_KEEPING_TOKENS:
            return False
        copy = slot.copy()
        if copy is not None:
            self._slots.append(copy)
        return copy is not None

    def _park(self, slot: Slot) -> bool:
        sequence = slot.sequence
        is_whole = slot.park()
        if sequence is not None:
            self._free.append(sequence)
            self._free.sort()
        if not is_whole and not slot.is_busy:
            self._drop(slot)
        self._shrink()
        return is_whole

    def _use(self, slot: Slot, *, is_busy: bool = True) -> None:
        slot.is_busy = is_busy
        self._slots.remove(slot)
        self._slots.append(slot)

    def _drop(self, slot: Slot) -> None:
        if slot.sequence is not None:
            slot.forget()
            self._free.append(slot.sequence)
            self._free.sort()
        self._slots.remove(slot)

    def _shrink(self) -> None:
        """Forgets parked conversations that another has whole, then the oldest, until the rest takes no
        more than it may."""
        if self._kind.is_plain:
            for slot in self._idle_parked():
                if any(self._has_whole(other, slot) for other in self._slots):
                    self._drop(slot)
        idle = self._idle_parked()
        total = sum(slot.size for slot in idle)
        for slot in idle:
            if total <= self._park_bytes:
                break
            total -= slot.size
            self._drop(slot)

    def _idle_parked(self) -> list[Slot]:
        return [slot for slot in self.parked() if not slot.is_busy]

    def _has_whole(self, other: Slot, slot: Slot) -> bool:
        count = len(slot.tokens)
        if other is slot or len(other.tokens) < count or other.tokens[:count] != slot.tokens:
            return False
        return len(other.tokens) > count or self._slots.index(other) > self._slots.index(slot)
