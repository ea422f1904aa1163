"""The open chat: the messages of the branch it is at, followed by events.

Promises: the list is what the host has, in order; growth is told piece by piece; when a piece does not fit
what is here, the chat is read again and only what differs is told. Texts are never made up here.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from app.client.protocol import (
    AnswerNow,
    ChatView,
    Command,
    ContinueAnswer,
    MessagePage,
    OpenChat,
    ReadMessages,
    Refused,
    Regenerate,
    Reply,
    Snapshot,
    StopTurn,
)
from app.domain.chat import Chat, Message, MessageStatus
from app.domain.ids import new_id
from app.domain.notice import Notice, NoticeCode
from app.events import (
    ChatChanged,
    ChatRemoved,
    Event,
    MessageAdded,
    MessageChanged,
    MessageGrew,
    TurnMoved,
    TurnNoticed,
)
from ui.bridge import Bridge

# A chat's new head is told before the message that it is; longer than this apart, the branch was changed.
SETTLE_MS = 100


class Transcript(QObject):
    """Signals are in the past tense and come after the change. Indices count from the oldest message here."""

    opened = Signal()  # another chat, or none; with no messages yet
    reset = Signal()  # all messages are others
    appended = Signal(int)  # index of the first of the new messages at the end
    older_added = Signal(int)  # how many at the front
    grew = Signal(int, str, str)  # index, content, reasoning
    replaced = Signal(int)  # one message was set anew
    truncated = Signal(int)  # this message and all after it are gone
    changed = Signal()  # anything else: loading, streaming, phase, the chat itself
    lost = Signal(str)  # the open chat is gone; nothing is open now
    unread = Signal(object)  # Notice: the chat could not be read; what is here may be old
    refused = Signal(object)  # Notice

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._chat_id: str | None = None
        self._chat: Chat | None = None
        self._messages: list[Message] = []
        self._has_older = False
        self._awaited: Command | None = None  # the last OpenChat, until its reply
        self._is_current = True  # otherwise events mean nothing: they may not fit what is here
        self._is_reading_older = False
        self._move: TurnMoved | None = None
        self._noticed: TurnNoticed | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._follow_head)
        bridge.snapshot_taken.connect(self._on_snapshot)
        bridge.happened.connect(self._on_event)

    # What there is

    @property
    def chat_id(self) -> str | None:
        return self._chat_id

    @property
    def chat(self) -> Chat | None:
        return self._chat

    @property
    def messages(self) -> Sequence[Message]:
        return self._messages

    @property
    def last(self) -> Message | None:
        return self._messages[-1] if self._messages else None

    @property
    def has_older(self) -> bool:
        return self._has_older

    @property
    def is_loading(self) -> bool:
        """Whether a chat is open whose messages have not come yet."""
        return self._awaited is not None and not self._messages

    @property
    def is_ready(self) -> bool:
        """Whether the end of the branch is known, so that something can be said after it."""
        return self._is_current

    @property
    def streaming(self) -> Message | None:
        """The answer being written, if any."""
        last = self.last
        return last if last is not None and last.status is MessageStatus.STREAMING else None

    @property
    def move(self) -> TurnMoved | None:
        """Where the answer being written is on its way, once that was told."""
        streaming = self.streaming
        is_of_it = self._move is not None and streaming is not None and self._move.message_id == streaming.id
        return self._move if is_of_it else None

    @property
    def noticed(self) -> Notice | None:
        """What there is to be said about the thoughts of the answer being written."""
        event, streaming = self._noticed, self.streaming
        if event is None or streaming is None or event.message_id != streaming.id or streaming.content:
            return None
        return event.notice

    # What can be done

    def open(self, chat_id: str | None) -> None:
        """Shows another chat; None shows none."""
        self._show(chat_id)
        if chat_id is not None:
            self._read()
        self.changed.emit()

    def begin(self, chat_id: str) -> None:
        """Shows a chat that is just being made and so has nothing to read."""
        self._show(chat_id)
        self.changed.emit()

    def read_older(self) -> None:
        if self._chat_id is None or not self._has_older or not self._messages or self._is_reading_older:
            return
        self._is_reading_older = True
        chat_id, first_id = self._chat_id, self._messages[0].id
        command = ReadMessages(chat_id=chat_id, before_id=first_id)
        self._bridge.ask(command, lambda reply: self._on_older(chat_id, first_id, reply))

    def stop(self) -> None:
        if self.streaming is not None:
            self._ask(StopTurn(answer_id=self.streaming.id))

    def answer_now(self) -> None:
        """Makes the answer being written end its thoughts."""
        if self.streaming is not None:
            self._ask(AnswerNow(answer_id=self.streaming.id))

    def continue_answer(self, answer_id: str) -> None:
        if self._chat_id is not None:
            self._ask(ContinueAnswer(chat_id=self._chat_id, answer_id=answer_id, turn_id=new_id()))

    def regenerate(self, answer_id: str, model_id: str | None) -> None:
        """Asks for another answer to the same message."""
        answer = next((message for message in self._messages if message.id == answer_id), None)
        if answer is not None and answer.parent_id is not None:
            self._ask(
                Regenerate(
                    chat_id=answer.chat_id,
                    message_id=answer.parent_id,
                    answer_id=new_id(),
                    model_id=model_id,
                )
            )

    # The host's side

    def _show(self, chat_id: str | None) -> None:
        self._chat_id, self._chat, self._messages = chat_id, None, []
        self._has_older, self._awaited, self._is_reading_older = False, None, False
        self._is_current = True
        self._settle.stop()
        self.opened.emit()

    def _read(self) -> None:
        """Reads the chat's end; what is here meanwhile stays."""
        assert self._chat_id is not None
        self._settle.stop()
        command = OpenChat(chat_id=self._chat_id)
        self._awaited = command
        self._is_current = False
        self._bridge.ask(command, lambda reply: self._on_view(command, reply))

    def _ask(self, command: Command) -> None:
        self._bridge.ask(command, self._on_reply)

    def _on_reply(self, reply: Reply) -> None:
        if isinstance(reply, Refused):
            self.refused.emit(reply.notice)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        if self._chat_id is not None:
            self._read()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, ChatRemoved):
            if event.chat_id == self._chat_id:
                self._lose()
        elif not self._is_current:
            return  # the reply to the reading includes it
        elif isinstance(event, ChatChanged):
            if event.chat.id == self._chat_id:
                self._take_chat(event.chat)
        elif isinstance(event, MessageAdded):
            self._add(event.message)
        elif isinstance(event, MessageChanged):
            self._replace(event.message)
        elif isinstance(event, MessageGrew):
            self._grow(event)
        elif isinstance(event, TurnMoved | TurnNoticed):
            self._hear_of_turn(event)

    def _hear_of_turn(self, event: TurnMoved | TurnNoticed) -> None:
        if event.chat_id != self._chat_id:
            return
        if isinstance(event, TurnMoved):
            self._move = event
        else:
            self._noticed = event
        self.changed.emit()

    def _on_view(self, command: Command, reply: Reply) -> None:
        if command is not self._awaited:
            return  # another chat was opened since
        self._awaited = None
        if isinstance(reply, ChatView):
            self._is_current = True
            self._chat = reply.chat
            self._merge(list(reply.messages), reply.has_older)
        elif isinstance(reply, Refused):
            if reply.notice.code is NoticeCode.CHAT_NOT_FOUND:
                self._lose()
            else:
                self.unread.emit(reply.notice)
        self.changed.emit()

    def _on_older(self, chat_id: str, first_id: str, reply: Reply) -> None:
        if chat_id != self._chat_id or not self._messages or self._messages[0].id != first_id:
            return
        self._is_reading_older = False
        if isinstance(reply, MessagePage):
            self._has_older = reply.has_more
            self._messages[:0] = reply.messages
            self.older_added.emit(len(reply.messages))
            self.changed.emit()

    def _lose(self) -> None:
        assert self._chat_id is not None
        chat_id = self._chat_id
        self._show(None)
        self.lost.emit(chat_id)
        self.changed.emit()

    def _take_chat(self, chat: Chat) -> None:
        self._chat = chat
        if chat.head_id is not None and (self.last is None or self.last.id != chat.head_id):
            self._settle.start()
        self.changed.emit()

    def _follow_head(self) -> None:
        """The branch was changed, not continued: reads it anew."""
        head_id = self._chat.head_id if self._chat is not None else None
        if self._chat_id is not None and head_id != (self.last.id if self.last is not None else None):
            self._read()

    def _merge(self, messages: list[Message], has_older: bool) -> None:
        """Takes the end of the branch as it was read, telling no more than what differs."""
        start = self._index_of(messages[0].id) if messages else -1
        if start < 0:
            self._messages, self._has_older = messages, has_older
            self._is_reading_older = False
            self.reset.emit()
            return
        if start == 0:
            self._has_older = has_older
        for offset, message in enumerate(messages):
            index = start + offset
            if index < len(self._messages) and self._messages[index].id == message.id:
                self._set(index, message)
            else:
                self._cut(index)
                self._append(messages[offset:])
                return
        self._cut(start + len(messages))

    def _add(self, message: Message) -> None:
        if message.chat_id != self._chat_id:
            return
        if self._index_of(message.id) >= 0:
            self._replace(message)
        elif message.parent_id is None:
            self._cut(0)
            self._append([message])
        elif (parent := self._index_of(message.parent_id)) >= 0:
            self._cut(parent + 1)
            self._append([message])

    def _replace(self, message: Message) -> None:
        index = self._index_of(message.id)
        if index >= 0:
            self._set(index, message)
            self.changed.emit()

    def _grow(self, event: MessageGrew) -> None:
        index = self._index_of(event.message_id)
        if index < 0:
            return
        message = self._messages[index]
        lengths = (len(message.content), len(message.reasoning))
        if lengths != (event.content_offset, event.reasoning_offset):
            self._read()
            return
        self._messages[index] = msgspec.structs.replace(
            message, content=message.content + event.content, reasoning=message.reasoning + event.reasoning
        )
        self.grew.emit(index, event.content, event.reasoning)

    def _set(self, index: int, message: Message) -> None:
        if self._messages[index] != message:
            self._messages[index] = message
            self.replaced.emit(index)

    def _cut(self, index: int) -> None:
        if index < len(self._messages):
            del self._messages[index:]
            self.truncated.emit(index)

    def _append(self, messages: list[Message]) -> None:
        start = len(self._messages)
        self._messages += messages
        self.appended.emit(start)
        self.changed.emit()

    def _index_of(self, message_id: str) -> int:
        """Returns -1 for a message that is not here. From the end, where nearly all of it happens."""
        for index in range(len(self._messages) - 1, -1, -1):
            if self._messages[index].id == message_id:
                return index
        return -1
