"""Reads from the store what a model is to be shown of a branch."""

from __future__ import annotations

from collections.abc import Sequence

from app.chat.context import MAX_CHARS_PER_TOKEN, Shown, last_reading, shown_of
from app.domain.chat import Chat, Message
from app.domain.context import ContextPolicy, Reading
from app.domain.model import Model
from app.store.messages import MessageTable

_USUAL_CONTEXT_TOKENS = 8192


class BranchReader:
    """Knows what was read last time. `loaded_tokens` is the context of the model in memory, 0 for none."""

    def __init__(self, messages: MessageTable) -> None:
        self._messages = messages

    def for_answer(
        self, chat: Chat, answer: Message, model: Model, policy: ContextPolicy, loaded_tokens: int
    ) -> Shown:
        """Returns what stands above an answer, or what was read of that last time."""
        branch, missing = self._branch(answer.parent_id, model)
        return _shown(chat, model, branch, missing, _before(answer, branch, policy, loaded_tokens))

    def for_draft(
        self, chat: Chat, draft: Message, model: Model, policy: ContextPolicy, loaded_tokens: int
    ) -> Shown:
        """Returns what an answer to a message that is not sent yet would be shown."""
        above, missing = self._branch(draft.parent_id, model)
        before = _before(None, above, policy, loaded_tokens)
        return _shown(chat, model, [*above, draft], missing, before)

    def _branch(self, head_id: str | None, model: Model) -> tuple[list[Message], int]:
        """The messages down to the head, oldest first; from the head back only as far as could ever fit.
        Says how many are missing."""
        limit = (model.options.context_tokens or model.context_tokens or _USUAL_CONTEXT_TOKENS) * (
            MAX_CHARS_PER_TOKEN
        )
        branch: list[Message] = []
        has_older, size = head_id is not None, 0
        while has_older and size < limit:
            before_id = branch[0].id if branch else None
            page, has_older = self._messages.branch(head_id or "", before_id=before_id)
            branch[:0] = page
            size += sum(len(message.content) for message in page)
            has_older = has_older and bool(page)
        missing = len(self._messages.path_ids(head_id or "")) - len(branch) if has_older else 0
        return branch, missing


def _before(
    answer: Message | None, branch: Sequence[Message], policy: ContextPolicy, loaded_tokens: int
) -> Reading | None:
    """What was read last time, if that still counts: where a larger context has come since, or nothing may
    be left out any more, all is tried again."""
    before = last_reading(answer, branch) if policy is ContextPolicy.ROLL else None
    return before if before is not None and not 0 < before.context_tokens < loaded_tokens else None


def _shown(
    chat: Chat, model: Model, branch: Sequence[Message], missing: int, before: Reading | None
) -> Shown:
    if before is not None:
        start = next((place for place, each in enumerate(branch) if each.id == before.from_id), None)
        if start is not None:
            return shown_of(chat, model, branch[start:], before.left_out, before.context_tokens)
    return shown_of(chat, model, branch, missing)
