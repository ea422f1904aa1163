"""Which messages of a branch a model is shown: all, or those from some place on; the system prompt always.

How many tokens a prompt has only the engine knows. When it says that one is too long, `Roll` looks for the
place to go on from, by asking for the size of a few candidates. What is left out stays left out for the turns
that follow (an answer's `reading` says so), because every other beginning means reading all of it again.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.domain.chat import Chat, Message, Role
from app.domain.context import Reading, reserved_tokens
from app.domain.model import Model
from app.domain.value import Value
from app.engine.base import Counted, GenerateRequest, PromptMessage

MAX_CHARS_PER_TOKEN = 12  # more than any language's average in any vocabulary; only bounds what is read
_FREED_SHARE = 0.25  # of the context is free again after a roll, beside what the answer gets


class Shown(Value):
    """What a model is shown of a branch: the system prompt and `turns`, oldest first. `left_out` messages
    stand before those, so that a context of `context_tokens` holds the rest (0: not known)."""

    system: tuple[PromptMessage, ...] = ()
    turns: tuple[Message, ...] = ()
    left_out: int = 0
    context_tokens: int = 0

    @property
    def messages(self) -> tuple[PromptMessage, ...]:
        """All of it as a template takes it."""
        said = (
            PromptMessage(role=turn.role, content=turn.content, reasoning=turn.reasoning)
            for turn in self.turns
        )
        return (*self.system, *said)

    @property
    def places(self) -> tuple[int, ...]:
        """Where else it could begin: at each person's message but the first, so that turns stay whole."""
        return tuple(place for place, turn in enumerate(self.turns) if place and turn.role is Role.USER)

    def since(self, place: int) -> Shown:
        return msgspec.structs.replace(self, turns=self.turns[place:], left_out=self.left_out + place)

    def reading(self, reread_n: int = 0) -> Reading | None:
        """Returns what an answer tells of it; None when nothing is left out."""
        if not self.left_out:
            return None
        return Reading(
            left_out=self.left_out,
            from_id=self.turns[0].id,
            reread_n=reread_n,
            context_tokens=self.context_tokens,
        )


def shown_of(
    chat: Chat, model: Model, branch: Sequence[Message], left_out: int = 0, context_tokens: int = 0
) -> Shown:
    """Returns the branch under the chat's system prompt, or else the one that suits the model. Answers
    without text are nothing to read. After what was left out it goes on with a person's message."""
    prompt = chat.system_prompt if chat.system_prompt.strip() else model.system_prompt
    system = (PromptMessage(role=Role.SYSTEM, content=prompt),) if prompt else ()
    turns = [turn for turn in branch if turn.role is not Role.ASSISTANT or turn.content]
    first = next((place for place, turn in enumerate(turns) if turn.role is Role.USER), 0) if left_out else 0
    return Shown(
        system=system, turns=tuple(turns[first:]), left_out=left_out + first, context_tokens=context_tokens
    )


def last_reading(answer: Message | None, branch: Sequence[Message]) -> Reading | None:
    """Returns what was read for the answer itself, when it is gone on with, else for the one before it."""
    if answer is not None and (answer.content or answer.reasoning):
        return answer.reading
    before = next((turn for turn in reversed(branch) if turn.role is Role.ASSISTANT), None)
    return before.reading if before is not None else None


class Roll:
    """Looks for how little can be left out so that a good part of the context is free again.

    `candidate` is to be counted next; when `take` says so, it is what was looked for. The last message of a
    person is in every candidate, fit or not.
    """

    def __init__(self, shown: Shown, request: GenerateRequest, context_tokens: int) -> None:
        reserved = reserved_tokens(context_tokens, request.sampling.max_tokens, request.reserve_share)
        self._most = context_tokens - reserved - int(context_tokens * _FREED_SHARE)
        self._shown = msgspec.structs.replace(shown, context_tokens=context_tokens)
        self._places = shown.places
        self._low, self._high = 0, len(self._places) - 1
        self._asked = (self._low + self._high) // 2
        self._counts: dict[int, Counted] = {}

    @property
    def is_possible(self) -> bool:
        """Whether there is anything that can be left out."""
        return bool(self._places)

    @property
    def candidate(self) -> Shown:
        return self._shown.since(self._places[self._asked])

    @property
    def counted(self) -> Counted:
        """The size of the candidate, once it was taken."""
        return self._counts[self._asked]

    def take(self, counted: Counted) -> bool:
        """Takes the size of the candidate; says whether the search is over."""
        self._counts[self._asked] = counted
        if counted.tokens <= self._most:
            self._high = self._asked
        else:
            self._low = min(self._asked + 1, self._high)
        is_found = self._low == self._high
        self._asked = (self._low + self._high) // 2
        return is_found and self._asked in self._counts
