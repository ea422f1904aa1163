"""How much of the context a message would take, with the chat before it: counted while one writes.

Asks the host only where it may matter, and only when the writer pauses. Knows nothing before the first answer
and forgets what it knew as soon as something else is asked about.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from app.client.protocol import CountTokens, Reply, TokenCount
from app.domain.context import PromptSize
from app.domain.model import Model
from ui.bridge import Bridge
from ui.viewmodels.composer import Composer, too_long
from ui.viewmodels.models import Models
from ui.viewmodels.transcript import Transcript

PAUSE_MS = 400
TIGHT_SHARE = 0.8  # of the context: from here on it is worth saying
_SMALLEST_CONTEXT_TOKENS = 4096  # of a model that is not loaded, as plans choose it
_TEMPLATE_TOKENS = 32  # a message; more than any template writes around one


class Room(QObject):
    """`size` is of the text in the box as it would be sent now; None where there is nothing to say."""

    changed = Signal()

    def __init__(
        self,
        bridge: Bridge,
        transcript: Transcript,
        models: Models,
        composer: Composer,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._transcript = transcript
        self._models = models
        self._composer = composer
        self._question: CountTokens | None = None  # as of the last look
        self._size: PromptSize | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._ask)
        composer.changed.connect(self._look)  # which follows the transcript and the models

    @property
    def size(self) -> PromptSize | None:
        size = self._size
        is_tight = size is not None and (
            not size.fits or size.tokens >= TIGHT_SHARE * max(1, size.context_tokens)
        )
        return size if is_tight else None

    def _look(self) -> None:
        question = self._asked()
        if question == self._question:
            return
        self._question = question
        if question is None or not self._may_be_tight(question):
            self._timer.stop()
            self._set(None)
        else:
            self._timer.start()

    def _ask(self) -> None:
        question = self._question
        if question is not None and too_long(question.text) is None:
            self._bridge.ask(question, lambda reply: self._on_reply(question, reply))

    def _on_reply(self, question: CountTokens, reply: Reply) -> None:
        if question is self._question:
            self._set(reply.size if isinstance(reply, TokenCount) else None)

    def _set(self, size: PromptSize | None) -> None:
        if size != self._size:
            self._size = size
            self.changed.emit()

    def _asked(self) -> CountTokens | None:
        selected = self._models.selected
        if selected is None or not self._composer.can_send:
            return None
        return CountTokens(
            text=self._composer.text,
            chat_id=self._transcript.chat_id,
            parent_id=self._composer.parent_id,
            model_id=selected.id,
            system_prompt=self._composer.new_prompt,
        )

    def _may_be_tight(self, question: CountTokens) -> bool:
        """Whether it cannot be ruled out: a text has no more tokens than bytes."""
        if self._transcript.has_older:
            return True
        texts = [question.text, question.system_prompt]
        texts += [message.content + message.reasoning for message in self._transcript.messages]
        chat = self._transcript.chat
        texts += [chat.system_prompt] if chat is not None else []
        most = sum(len(text.encode()) + _TEMPLATE_TOKENS for text in texts)
        return most >= self._context_tokens(self._models.selected) / 2

    def _context_tokens(self, model: Model | None) -> int:
        status = self._models.selected_status
        if status is not None and status.loaded is not None:
            return status.loaded.context_tokens
        wished = model.options.context_tokens if model is not None else None
        return wished or _SMALLEST_CONTEXT_TOKENS
