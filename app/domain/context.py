"""How much of a chat a model reads when not all of it fits, and what is kept free for the answer."""

from __future__ import annotations

from enum import StrEnum

from app.domain.value import Value

ANSWER_SHARE = 0.25  # of the context, where the answer has no limit of its own
SMALL_ANSWER_SHARE = 1 / 16


class ContextPolicy(StrEnum):
    """What is done when a chat no longer fits the context."""

    STOP = "stop"  # nothing is sent; a person decides
    ROLL = "roll"  # the oldest turns are left out

    @property
    def reserve_share(self) -> float:
        """How much of the context a prompt must leave free. Where nothing is ever left out, room that is
        kept free is room that cannot be used: only an answer that could hardly begin is refused."""
        return ANSWER_SHARE if self is ContextPolicy.ROLL else SMALL_ANSWER_SHARE


class Reading(Value):
    """What of its branch a model read for an answer, where that was not all.

    `left_out` messages before `from_id` were not read. `reread_n` is 0 when an earlier answer had the same
    beginning; else the beginning moved, and so many tokens of the prompt had to be evaluated.
    `context_tokens` is the context it had to fit.
    """

    left_out: int
    from_id: str
    reread_n: int = 0
    context_tokens: int = 0


class PromptSize(Value):
    """What an answer would have to read, of a context that holds `context_tokens`. Where that leaves too
    little for the answer, `fits` is false, and `policy` says what would then be done."""

    tokens: int
    context_tokens: int
    fits: bool
    policy: ContextPolicy


def reserved_tokens(context_tokens: int, max_tokens: int | None, share: float) -> int:
    """Returns how many tokens a prompt must leave for the answer: `share` of the context, or `max_tokens`
    (of which at most twice that share can be had); always one."""
    usual = int(context_tokens * share)
    wanted = usual if max_tokens is None else min(max_tokens, 2 * usual)
    return max(1, wanted)
