"""One conversation's place in the KV cache: its tokens, and how far it can go back.

A slot is live (a sequence of the memory holds it) or parked (a copy in RAM does). How far back a cut can go
is a matter of the model: plain attention keeps all, a sliding window only its last positions, a recurrent
state nothing but the end. For the last two, checkpoints (copies of just that part) are kept at the places
chats go back to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.domain.value import Value
from app.engine.worker.memory import State
from app.engine.worker.prefix import common_prefix

MAX_CHECKPOINTS = 8
CHECKPOINT_BYTES = 512 * 1024 * 1024  # of one slot together; the newest stays whatever it takes


class CacheKind(Value):
    """What a model's memory forgets. `window_tokens` 0 is no sliding window."""

    window_tokens: int = 0
    is_recurrent: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether every beginning of a sequence is still there."""
        return not self.window_tokens and not self.is_recurrent


class SequenceMemory(Protocol):
    """The part of `memory.Memory` slots need."""

    def cut(self, sequence: int, position: int) -> bool: ...
    def clear(self, sequence: int) -> None: ...
    def first_position(self, sequence: int) -> int: ...
    def last_position(self, sequence: int) -> int: ...
    def share(self, source: int, target: int, count: int) -> None: ...
    def save(self, sequence: int, *, partial: bool = False) -> State | None: ...
    def restore(self, sequence: int, state: State, *, partial: bool = False) -> bool: ...


class Checkpoint:
    """What the forgetful part of the memory was after `count` tokens."""

    def __init__(self, count: int, state: State) -> None:
        self.count = count
        self.state = state


class Slot:
    """Tokens that were evaluated, in order. `prompt_count` of them were asked, the rest is the last answer.
    `sequence` is None while parked."""

    def __init__(self, memory: SequenceMemory, kind: CacheKind, sequence: int | None) -> None:
        self.sequence = sequence
        self.tokens: list[int] = []
        self.unevaluated: list[int] = []  # chosen, but not in the cache yet
        self.prompt_count = 0
        self.is_busy = False
        self._memory = memory
        self._kind = kind
        self._state: State | None = None
        self._first = 0  # while parked: the first position the copy has
        self._checkpoints: list[Checkpoint] = []

    @property
    def size(self) -> int:
        """Bytes of RAM its copies take."""
        parts = [*(point.state for point in self._checkpoints), *([self._state] if self._state else [])]
        return sum(part.size for part in parts)

    def said(self) -> list[int]:
        """Returns all tokens of the conversation, the last chosen one included."""
        return self.tokens + self.unevaluated

    def reusable(self, prompt: Sequence[int]) -> int:
        """Returns how many tokens of `prompt` need not be evaluated again: at most all but one, because
        logits are not part of the memory."""
        wanted = min(common_prefix(self.tokens, prompt), len(prompt) - 1)
        if wanted <= 0 or self._has(wanted):
            return max(0, wanted)
        return max((point.count for point in self._checkpoints if point.count <= wanted), default=0)

    def reuse(self, prompt: Sequence[int]) -> int:
        """Keeps the common beginning and forgets the rest. Returns how many tokens were kept."""
        self.unevaluated = []
        self.rewind(min(common_prefix(self.tokens, prompt), len(prompt) - 1))
        self.prompt_count = len(prompt)
        return len(self.tokens)

    def rewind(self, count: int) -> None:
        """Keeps the first `count` tokens, or what the newest checkpoint before that has, or nothing."""
        if not self._cut(count):
            count = self._go_back(count)
        del self.tokens[count:]
        self._checkpoints = [point for point in self._checkpoints if point.count <= count]

    def recover(self) -> None:
        """Brings memory and tokens back in step after a decode that did not finish."""
        if self._kind.is_recurrent:  # the removal of a half-done step can fail silently
            del self.tokens[self._go_back(len(self.tokens)) :]
        else:
            self.rewind(len(self.tokens))

    def forget(self) -> None:
        self._checkpoints = []
        self.unevaluated = []
        self._state = None
        self.tokens.clear()
        if self.sequence is not None:
            self._memory.clear(self.sequence)

    def checkpoint(self) -> None:
        """Notes that a chat may come back to just here; nothing to do where it can go back anywhere."""
        count = len(self.tokens)
        if self._kind.is_plain or not count or any(point.count == count for point in self._checkpoints):
            return
        state = self._memory.save(self.live_sequence, partial=True)
        if state is None:
            return
        self._checkpoints.append(Checkpoint(count, state))
        self._checkpoints.sort(key=lambda point: point.count)
        while len(self._checkpoints) > 1 and self._are_too_many():
            del self._checkpoints[0]

    def park(self) -> bool:
        """Moves the conversation to RAM and frees its sequence. False when it could not be copied; then it
        is forgotten."""
        self._first = self._memory.first_position(self.live_sequence)
        self._state = self._memory.save(self.live_sequence) if self.tokens else None
        self._memory.clear(self.live_sequence)
        self.sequence = None
        return self._state is not None or not self.tokens

    def wake(self, sequence: int) -> bool:
        """Brings a parked conversation back into an empty sequence. False when the copy was refused; the
        slot is then live and empty."""
        state, self._state = self._state, None
        self.sequence = sequence
        if not self.tokens or (state is not None and self._restored(state, sequence)):
            return True
        self.forget()
        return False

    def copy(self) -> Slot | None:
        """Returns a parked copy; None when it cannot be had."""
        state = self._state if self.sequence is None else self._memory.save(self.sequence)
        if state is None:
            return None
        twin = Slot(self._memory, self._kind, None)
        twin._state, twin._first = state, self._first_position()
        twin.tokens, twin.prompt_count = list(self.tokens), self.prompt_count
        twin._checkpoints = list(self._checkpoints)
        return twin

    def share(self, other: Slot, count: int) -> None:
        """Takes the first `count` tokens of another live slot for its own. Both must be of plain attention
        and this one empty."""
        self._memory.share(other.live_sequence, self.live_sequence, count)
        self.tokens = other.tokens[:count]

    @property
    def live_sequence(self) -> int:
        """Its sequence; only live slots are asked."""
        assert self.sequence is not None, "parked"
        return self.sequence

    def _are_too_many(self) -> bool:
        total = sum(point.state.size for point in self._checkpoints)
        return len(self._checkpoints) > MAX_CHECKPOINTS or total > CHECKPOINT_BYTES

    def _has(self, count: int) -> bool:
        """Tells whether the memory can be cut to `count` tokens, without trying."""
        if count == len(self.tokens) or self._kind.is_plain:
            return True
        if self._kind.is_recurrent:
            return False
        return 0 <= self._first_position() <= self._oldest_needed(count)

    def _first_position(self) -> int:
        return self._first if self.sequence is None else self._memory.first_position(self.sequence)

    def _oldest_needed(self, count: int) -> int:
        return max(0, count - self._kind.window_tokens) if self._kind.window_tokens else 0

    def _cut(self, count: int) -> bool:
        if count <= 0:
            return False
        if self._kind.is_recurrent:
            return self._memory.last_position(self.live_sequence) == count - 1
        if (
            not self._memory.cut(self.live_sequence, count)
            or self._memory.last_position(self.live_sequence) != count - 1
        ):
            return False
        # A sliding-window cache says yes to every cut, even when the window before it is long recycled.
        return 0 <= self._memory.first_position(self.live_sequence) <= self._oldest_needed(count)

    def _go_back(self, count: int) -> int:
        """Restores the newest checkpoint at or before `count`; clears if there is none. Returns how many
        tokens the memory has now."""
        for point in reversed(self._checkpoints):
            if point.count <= count and self._restored_at(point):
                return point.count
        self._memory.clear(self.live_sequence)
        return 0

    def _restored(self, state: State, sequence: int) -> bool:
        is_read = self._memory.restore(sequence, state)
        return is_read and self._memory.last_position(sequence) == len(self.tokens) - 1

    def _restored_at(self, point: Checkpoint) -> bool:
        # The forgetful part first: as long as it is ahead, a cut of the rest would be refused.
        sequence = self.live_sequence
        return (
            self._memory.restore(sequence, point.state, partial=True)
            and self._memory.cut(sequence, point.count)
            and self._memory.last_position(sequence) == point.count - 1
        )
