"""The text being written: kept for each chat until the host has it on disk or its writer throws it away.

A message that was sent can be written anew: until that is sent or given up, the draft waits untouched.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from PySide6.QtCore import QObject, Signal

from app.client.protocol import CreateChat, DeleteChat, Refused, Reply, Send
from app.domain.chat import MAX_MESSAGE_BYTES, Role
from app.domain.generation import Sampling
from app.domain.ids import new_id
from app.domain.notice import Action, Notice, NoticeCode
from app.domain.value import to_json
from ui.bridge import Bridge
from ui.viewmodels.kept import Edit, Kept
from ui.viewmodels.models import Models
from ui.viewmodels.transcript import Transcript

_UNBORN = "unborn"  # kept: the chat whose first message the host has not confirmed yet
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
        self._take_over()
        self._text = kept.draft(None)
        self._edit: Edit | None = None
        self._sending: str | None = None  # id of the message on its way
        self._new_prompt, self._new_sampling = "", Sampling()
        transcript.opened.connect(self._on_opened)
        transcript.changed.connect(self.changed)
        transcript.lost.connect(self._on_lost)
        models.changed.connect(self.changed)

    @property
    def text(self) -> str:
        return self._text

    @property
    def new_prompt(self) -> str:
        """The system prompt of the chat that has not begun."""
        return self._new_prompt

    @property
    def new_sampling(self) -> Sampling:
        return self._new_sampling

    def set_up(self, prompt: str, sampling: Sampling) -> None:
        """Sets what the chat that has not begun will begin with."""
        self._new_prompt, self._new_sampling = sound(prompt), sampling

    @property
    def is_sending(self) -> bool:
        return self._sending is not None

    @property
    def editing(self) -> str | None:
        """The id of the message that is written anew, if one is."""
        return self._edit.message_id if self._edit is not None else None

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

    @property
    def parent_id(self) -> str | None:
        """Under what the text is sent: the end of the branch, or what the edited message stands under."""
        if self._edit is not None:
            return self._edit.parent_id
        last = self._transcript.last
        return last.id if last is not None else None

    def set_text(self, text: str) -> None:
        """Takes what the writer typed."""
        text = sound(text)
        self._text = text
        self._keep()
        self.changed.emit()

    def put_text(self, text: str) -> None:
        """Fills the box with a text that was not typed, to be looked at before it is sent."""
        self.set_text(text)
        self.text_replaced.emit()

    def edit(self, message_id: str) -> None:
        """Takes a message of a person into the box, to be sent anew."""
        message = next((known for known in self._transcript.messages if known.id == message_id), None)
        if message is None or message.role is not Role.USER or self.is_sending:
            return
        self._edit = Edit(message_id=message.id, parent_id=message.parent_id, text=message.content)
        self.put_text(message.content)

    def edit_last(self) -> None:
        """Takes the person's last message into the box."""
        said = [message.id for message in self._transcript.messages if message.role is Role.USER]
        if said and self.editing != said[-1]:
            self.edit(said[-1])

    def cancel_edit(self) -> None:
        """Gives the new text up; the draft comes back."""
        if self._edit is not None and not self.is_sending:
            self._end_edit()
            self.changed.emit()

    def send(self) -> None:
        """Sends the text; a text that is too long stays, with a notice."""
        if not self.can_send:
            return
        notice = too_long(self._text)
        if notice is not None:
            self.refused.emit(notice)
            return
        selected = self._models.selected
        model_id = selected.id if selected is not None else None
        chat_id, is_new = self._chat_to_send_in(model_id)
        message_id = new_id()
        self._sending = message_id
        command = Send(
            chat_id=chat_id,
            message_id=message_id,
            answer_id=new_id(),
            text=self._text,
            parent_id=self.parent_id,
            model_id=model_id,
        )
        self._bridge.ask(command, self._when_answered(message_id, chat_id, self._text, is_new))
        self.changed.emit()

    def stop(self) -> None:
        self._transcript.stop()

    def _keep(self) -> None:
        chat_id = self._transcript.chat_id
        if self._edit is None or chat_id is None:
            self._kept.set_draft(chat_id, self._text)
        else:
            self._edit = msgspec.structs.replace(self._edit, text=self._text)
            self._kept.set_edit(chat_id, self._edit)

    def _end_edit(self) -> None:
        """Goes back to the draft that waited."""
        chat_id = self._transcript.chat_id
        assert chat_id is not None
        self._edit = None
        self._kept.set_edit(chat_id, None)
        self._text = self._kept.draft(chat_id)
        self.text_replaced.emit()

    def _chat_to_send_in(self, model_id: str | None) -> tuple[str, bool]:
        """Returns the open chat, or makes the one that begins with this message."""
        if self._transcript.chat_id is not None:
            return self._transcript.chat_id, False
        chat_id = new_id()
        command = CreateChat(
            chat_id=chat_id,
            model_id=model_id,
            system_prompt=self._new_prompt,
            sampling=self._new_sampling,
        )
        self._bridge.ask(command)
        # From now on the text is that chat's.
        self._kept.set_draft(chat_id, self._text)
        self._kept.set_draft(None, "")
        self._kept.set_text(_UNBORN, chat_id)
        self._transcript.begin(chat_id)
        return chat_id, True

    def _when_answered(
        self, message_id: str, chat_id: str, text: str, is_new: bool
    ) -> Callable[[Reply], None]:
        def on_reply(reply: Reply) -> None:
            if self._sending == message_id:
                self._sending = None
            if is_new and self._kept.text(_UNBORN) == chat_id:
                self._kept.set_text(_UNBORN, "")
            if isinstance(reply, Refused):
                self._on_refused(reply.notice, chat_id, is_new)
            else:
                if is_new:
                    self._new_prompt, self._new_sampling = "", Sampling()
                self._on_sent(chat_id, text)
            self.changed.emit()

        return on_reply

    def _on_sent(self, chat_id: str, text: str) -> None:
        edit = self._kept.edit(chat_id)
        is_open = self._transcript.chat_id == chat_id
        if edit is not None and edit.text == text:
            self._kept.set_edit(chat_id, None)
            if is_open:
                self._end_edit()
        elif edit is None:
            if self._kept.draft(chat_id) == text:
                self._kept.set_draft(chat_id, "")
            if is_open and self._text == text:
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
        elif self._transcript.chat_id is None:
            self._on_opened()  # the text belongs into the box that is open

    def _on_opened(self) -> None:
        chat_id = self._transcript.chat_id
        self._edit = self._kept.edit(chat_id) if chat_id is not None else None
        self._text = self._edit.text if self._edit is not None else self._kept.draft(chat_id)
        self._sending = None
        self.text_replaced.emit()
        self.changed.emit()

    def _on_lost(self, chat_id: str) -> None:
        self._leave_text(chat_id)
        self._on_opened()

    def _take_over(self) -> None:
        """What a window that was killed was just sending, perhaps to no host, is there to be sent again."""
        unborn = self._kept.text(_UNBORN)
        if unborn:
            self._leave_text(unborn)
            self._kept.set_text(_UNBORN, "")
            self._kept.save()

    def _leave_text(self, chat_id: str) -> None:
        """Moves the draft of a chat that is gone to the one that has not begun."""
        edit = self._kept.edit(chat_id)
        texts = [self._kept.draft(None), self._kept.draft(chat_id), edit.text if edit is not None else ""]
        self._kept.set_draft(None, "\n\n".join(text for text in texts if text))
        self._kept.set_edit(chat_id, None)
        self._kept.set_draft(chat_id, "")


def sound(text: str) -> str:
    """Returns a text that can be stored: half a surrogate pair, as a broken paste may hold, becomes “?”."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def too_long(text: str) -> Notice | None:
    """Returns what keeps a text from being one message."""
    if len(text) * _MOST_BYTES_PER_CHARACTER <= MAX_MESSAGE_BYTES:
        return None
    size = len(to_json(text))
    if size <= MAX_MESSAGE_BYTES:
        return None
    facts = {"bytes": size, "limit_bytes": MAX_MESSAGE_BYTES}
    return Notice(code=NoticeCode.MESSAGE_TOO_LONG, facts=dict(facts), actions=(Action.SHORTEN,))
