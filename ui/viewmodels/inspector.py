"""What is set for the open chat, and what its last answers took: prompt, samplers, context, speed.

Promises: what a person sets is saved a moment after they stop, or at once on `flush`; until the host has it,
it stands before what the host says. For the chat that has not begun it is kept and goes along when it begins.
"""

from __future__ import annotations

from typing import Any

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from app.client.protocol import ChangeChat, Refused, Reply
from app.domain.chat import Message
from app.domain.generation import Sampling, Timings, over
from app.domain.samplers import USUAL, suited
from ui.bridge import Bridge
from ui.viewmodels.composer import Composer
from ui.viewmodels.models import Models
from ui.viewmodels.transcript import Transcript

SAVE_AFTER_MS = 600
MOST_SPEEDS = 24
SAMPLERS = ("temperature", "top_k", "top_p", "min_p", "seed", "max_tokens")


class Inspector(QObject):
    """`sampling` is what the next answer is made with: what was chosen, else what suits the model."""

    changed = Signal()
    refused = Signal(object)  # Notice

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
        self._chat_id: str | None = None
        self._wishes: dict[str, Any] = {}  # of ChangeChat, until the host has them
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self.flush)
        transcript.opened.connect(self._on_opened)
        transcript.changed.connect(self.changed)
        models.changed.connect(self.changed)
        composer.sent.connect(self.changed)

    # What there is

    @property
    def can_change(self) -> bool:
        """Not while a chat is being read."""
        return self._transcript.chat_id is None or self._transcript.chat is not None

    @property
    def system_prompt(self) -> str:
        return str(self._wishes.get("system_prompt", self._saved()[0]))

    @property
    def model_prompt(self) -> str:
        """What applies where the chat has no prompt of its own; empty when the model has none either."""
        selected = self._models.selected
        return selected.system_prompt if selected is not None else ""

    @property
    def sampling(self) -> Sampling:
        return over(self._chosen, self._suited)

    def is_chosen(self, name: str) -> bool:
        """Whether a sampler was set for this chat."""
        return getattr(self._chosen, name) is not None

    @property
    def context_used(self) -> int:
        """Tokens that the chat took in its last answer; 0 when there is none yet."""
        last = next(iter(self._timings()), None)
        return last.cache_n + last.prompt_n + last.predicted_n if last is not None else 0

    @property
    def context_total(self) -> int:
        """Tokens that the model which answers next holds; 0 while it is not loaded."""
        status = self._models.selected_status
        return status.loaded.context_tokens if status is not None and status.loaded is not None else 0

    @property
    def speeds(self) -> list[float]:
        """Tokens per second of the last answers here, oldest first."""
        speeds = [timings.predicted_per_second for timings in self._timings()]
        return [speed for speed in speeds if speed > 0][:MOST_SPEEDS][::-1]

    # What can be done

    def set_system_prompt(self, text: str) -> None:
        if text != self.system_prompt:
            self._wish(system_prompt=text)

    def set_sampler(self, name: str, value: float | int | None) -> None:
        if value == getattr(self.sampling, name):
            return
        self._wish(sampling=msgspec.structs.replace(self._chosen, **{name: value}))

    def reset_sampler(self, name: str) -> None:
        """Leaves a sampler to what suits the model."""
        if self.is_chosen(name):
            self._wish(sampling=msgspec.structs.replace(self._chosen, **{name: None}))

    def flush(self) -> None:
        """Saves what is not saved yet."""
        self._timer.stop()
        if self._chat_id is None or not self._wishes:
            return
        chat_id, wishes = self._chat_id, dict(self._wishes)
        command = ChangeChat(chat_id=chat_id, **wishes)
        self._bridge.ask(command, lambda reply: self._on_reply(chat_id, wishes, reply))

    # Inside

    @property
    def _chosen(self) -> Sampling:
        found: Sampling = self._wishes.get("sampling", self._saved()[1])
        return found

    @property
    def _suited(self) -> Sampling:
        selected = self._models.selected
        return suited(selected, {}) if selected is not None else USUAL

    def _saved(self) -> tuple[str, Sampling]:
        chat = self._transcript.chat
        if chat is not None:
            return chat.system_prompt, chat.sampling
        if self._transcript.chat_id is None:
            return self._composer.new_prompt, self._composer.new_sampling
        return "", Sampling()

    def _timings(self) -> list[Timings]:
        """Of the answers here, newest first."""
        messages: list[Message] = list(self._transcript.messages)
        return [message.timings for message in reversed(messages) if message.timings is not None]

    def _wish(self, **changes: Any) -> None:
        if not self.can_change:
            return
        if self._chat_id is None:
            self._composer.set_up(
                changes.get("system_prompt", self._composer.new_prompt),
                changes.get("sampling", self._composer.new_sampling),
            )
        else:
            self._wishes |= changes
            self._timer.start()
        self.changed.emit()

    def _on_reply(self, chat_id: str, wishes: dict[str, Any], reply: Reply) -> None:
        if isinstance(reply, Refused):
            self.refused.emit(reply.notice)
        elif chat_id == self._chat_id:
            self._wishes = {
                name: wish
                for name, wish in self._wishes.items()
                if name not in wishes or wish != wishes[name]
            }
            self.changed.emit()

    def _on_opened(self) -> None:
        self.flush()
        self._chat_id = self._transcript.chat_id
        self._wishes = {}
        self.changed.emit()
