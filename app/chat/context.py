"""Which messages of a branch a model is shown: as many of the latest as fit, the system prompt always.

How many tokens a text has only the engine knows. So a branch is first read to a length that cannot fit more,
and when the engine says that the prompt is too long, the oldest turns are dropped in proportion.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.domain.chat import Chat, Message, Role
from app.domain.model import Model
from app.engine.base import PromptMessage

MAX_CHARS_PER_TOKEN = 12  # more than any language's average in any vocabulary; only bounds what is read


def prompt_for(chat: Chat, model: Model, branch: Iterable[Message]) -> tuple[PromptMessage, ...]:
    """Returns the branch (oldest first) as a template takes it, under the chat's system prompt or else the
    one that suits the model. Answers without text are left out."""
    prompt = chat.system_prompt if chat.system_prompt.strip() else model.system_prompt
    system = [PromptMessage(role=Role.SYSTEM, content=prompt)] if prompt else []
    turns = [
        PromptMessage(role=message.role, content=message.content, reasoning=message.reasoning)
        for message in branch
        if message.role is not Role.ASSISTANT or message.content
    ]
    return (*system, *turns)


def shortened(
    messages: Sequence[PromptMessage], prompt_tokens: int, context_tokens: int
) -> tuple[PromptMessage, ...] | None:
    """Returns the messages without the oldest turns, so that about a quarter of the context is left for the
    answer; None when only the last message (and the system prompt) is left and that is too long."""
    system = [message for message in messages[:1] if message.role is Role.SYSTEM]
    turns = list(messages[len(system) :])
    if len(turns) < 2:
        return None
    share = context_tokens * 0.75 / max(1, prompt_tokens)
    budget = sum(_size(turn) for turn in turns) * share
    kept = _latest_within(turns, budget)
    return (*system, *kept)


def _latest_within(turns: list[PromptMessage], budget: float) -> list[PromptMessage]:
    """The longest tail within the budget that begins with a person's message; at least the last message,
    and always less than everything."""
    start, size = len(turns) - 1, _size(turns[-1])
    while start > 1 and size + _size(turns[start - 1]) <= budget:
        start -= 1
        size += _size(turns[start])
    while start < len(turns) - 1 and turns[start].role is not Role.USER:
        start += 1
    return turns[start:]


def _size(message: PromptMessage) -> int:
    return len(message.content) + 16  # the template's own words around it
