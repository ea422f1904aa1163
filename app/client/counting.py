"""The question how long a message would make its prompt, and the answer; part of `protocol`."""

from __future__ import annotations

from app.domain.context import PromptSize
from app.domain.value import Value


class CountTokens(Value, tag=True):
    """Replies with the TokenCount that an answer to this text would have, were it sent. Nothing is changed,
    and no model loaded. `chat_id` None: a chat that has not begun, with this system prompt."""

    text: str
    chat_id: str | None = None
    parent_id: str | None = None
    model_id: str | None = None
    system_prompt: str = ""


class TokenCount(Value, tag=True):
    size: PromptSize
