"""The text being written: kept for each chat until the host has it on disk or its writer throws it away."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.client.protocol import CreateChat, DeleteChat, Refused, Reply, Send
from app.domain.chat import MAX_MESSAGE_BYTES
from app.domain.ids import new_id
from app.domain.notice import Action, Notice, NoticeCode
from app.domain.value import to_json
from ui.bridge import Bridge
from ui.viewmodels.kept import Kept
from ui.viewmodels.models import Models
from ui.viewmodels.transcript import Transcript

# A character of a message takes at most this many bytes as JSON, so short texts need no measuring.
_MOST_BYTES_PER_CHARACTER = 6


class Composer(QObject):
    """Sending leaves the text in the box until the host has it; a refusal leaves it there for good."""

    changed = Signal()  # what can be done
    text_replaced = Signal()  # other than by typing
    sent = Signal()
    refused = Signal(object)  # Notice

    def __init__(
        self,
        bridge: Bridge,
        transcript: Transcript,
        models: Models,
        kept: Kept,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._transcript = transcript
        self._models = models
        self._kept = kept
        self._text = kept.draft(None)
        self._sending: str | None = None  # id of the message on its way
        transcript.opened.connect(self._on_opened)
        transcript.changed.connect(self.changed)
        transcript.lost.connect(self._on_lost)
        models.changed.connect(self.changed)

    @property
    def text(self) -> str:
        return self._text

    @property
    def is_sending(self) -> bool:
        return self._sending is not None

    @property
    def can_send(self) -> bool:
        return (
            bool(self._text.strip())
            and not self.is_sending
            and not self.can_stop
            and self._transcript.is_ready
            and self._models.selected is not None
        )

    @property
    def can_stop(self) -> bool:
        return self._transcript.streaming is not None

    def set_text(self, text: str) -> None:
        """Takes what the writer typed."""
        text = sound(text)
        self._text = text
        self._kept.set_draft(self._transcript.chat_id, text)
        self.changed.emit()

    def put_text(self, text: str) -> None:
        """Fills the box with a text that was not typed, to be looked at before it is sent."""
        self.set_text(text)
        self.text_replaced.emit()

    def send(self) -> None:
        """Sends the text; a text that is too long stays, with a notice."""
        if not self.can_send:
            return
        notice = _too_long(self._text)
        if notice is not None:
            self.refused.emit(notice)
            return
        selected = self._models.selected
        model_id = selected.id if selected is not None else None
        chat_id, is_new = self._chat_to_send_in(model_id)
        last = self._transcript.last
        message_id = new_id()
        self._sending = message_id
        command = Send(
            chat_id=chat_id,
            message_id=message_id,
            answer_id=new_id(),
            text=self._text,
            parent_id=last.id if last is not None else None,
            model_id=model_id,
        )
        self._bridge.ask(command, self._when_answered(message_id, chat_id, self._text, is_new))
        self.changed.emit()

    def stop(self) -> None:
        self._transcript.stop()

    def _chat_to_send_in(self, model_id: str | None) -> tuple[str, bool]:
        """Returns the open chat, or makes the one that begins with this message."""
        if self._transcript.chat_id is not None:
            return self._transcript.chat_id, False
        chat_id = new_id()
        self._bridge.ask(CreateChat(chat_id=chat_id, model_id=model_id))
        # From now on the text is that chat's.
        self._kept.set_draft(chat_id, self._text)
        self._kept.set_draft(None, "")
        self._transcript.begin(chat_id)
        return chat_id, True

    def _when_answered(
        self, message_id: str, chat_id: str, text: str, is_new: bool
    ) -> Callable[[Reply], None]:
        def on_reply(reply: Reply) -> None:
            if self._sending == message_id:
                self._sending = None
            if isinstance(reply, Refused):
                self._on_refused(reply.notice, chat_id, is_new)
            else:
                self._on_sent(chat_id, text)
            self.changed.emit()

        return on_reply

    def _on_sent(self, chat_id: str, text: str) -> None:
        if self._kept.draft(chat_id) == text:
            self._kept.set_draft(chat_id, "")
        if self._transcript.chat_id == chat_id and self._text == text:
            self._text = ""
            self.text_replaced.emit()
        self.sent.emit()

    def _on_refused(self, notice: Notice, chat_id: str, is_new: bool) -> None:
        if is_new:
            self._take_back(chat_id)
        self.refused.emit(notice)

    def _take_back(self, chat_id: str) -> None:
        """A chat that could not begin leaves its text to the next one."""
        self._bridge.ask(DeleteChat(chat_id=chat_id))
        self._leave_text(chat_id)
        if self._transcript.chat_id == chat_id:
            self._transcript.open(None)

    def _on_opened(self) -> None:
        self._text = self._kept.draft(self._transcript.chat_id)
        self._sending = None
        self.text_replaced.emit()
        self.changed.emit()

    def _on_lost(self, chat_id: str) -> None:
        self._leave_text(chat_id)
        self._on_opened()

    def _leave_text(self, chat_id: str) -> None:
        """Moves the draft of a chat that is gone to the one that has not begun."""
        texts = [self._kept.draft(None), self._kept.draft(chat_id)]
        self._kept.set_draft(None, "\n\n".join(text for text in texts if text))
        self._kept.set_draft(chat_id, "")


def sound(text: str) -> str:
    """Returns a text that can be stored: half a surrogate pair, as a broken paste may hold, becomes “?”."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _too_long(text: str) -> Notice | None:
    if len(text) * _MOST_BYTES_PER_CHARACTER <= MAX_MESSAGE_BYTES:
        return None
    size = len(to_json(text))
    if size <= MAX_MESSAGE_BYTES:
        return None
    facts = {"bytes": size, "limit_bytes": MAX_MESSAGE_BYTES}
    return Notice(code=NoticeCode.MESSAGE_TOO_LONG, facts=dict(facts), actions=(Action.SHORTEN,))
