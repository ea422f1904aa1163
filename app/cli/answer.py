"""Follows one answer from the question to its end, writing it as it grows.

Survives whatever happens to the host: after each new snapshot the answer is read again, and what is not yet
written is written.
"""

from __future__ import annotations

from app.cli.console import Console
from app.cli.inbox import Hurry, Inbox, Item
from app.cli.texts import left_out, sentence
from app.client.client import Client
from app.client.protocol import AnswerNow, OpenChat, Refused, Send, Snapshot, StopTurn
from app.domain.chat import Message, MessageStatus
from app.domain.engine import EngineState
from app.domain.generation import Phase
from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.events import EngineChanged, Event, MessageChanged, MessageGrew, TurnMoved, TurnNoticed

STOP_LIMIT_S = 5.0


def is_wanted(event: Event, chat_id: str) -> bool:
    """Says whether a follower of this chat has a use for an event."""
    if isinstance(event, MessageGrew | TurnMoved | TurnNoticed):
        return event.chat_id == chat_id
    if isinstance(event, MessageChanged):
        return event.message.chat_id == chat_id
    return isinstance(event, EngineChanged)


class AnswerFollower:
    """One answer. `writes` False keeps its text back (its end has it whole)."""

    def __init__(self, client: Client, inbox: Inbox, console: Console, *, writes: bool) -> None:
        self._client = client
        self._inbox = inbox
        self._console = console
        self._writes = writes
        self._content_chars = 0
        self._reasoning_chars = 0
        self._has_told_reading = False
        self.was_interrupted = False

    def follow(self, send: Send) -> Message:
        """Sends and returns the answer at its end. Ctrl-C stops the answer, a second one does not wait.

        Raises KnownError when the message was not taken.
        """
        self._send = send
        with self._inbox.interruptible():
            self._client.request(send, self._inbox.put)
            try:
                answer = self._until_end(None)
            except KeyboardInterrupt:
                self.was_interrupted = True
                self._client.request(StopTurn(answer_id=send.answer_id), lambda reply: None)
                answer = self._until_end(STOP_LIMIT_S)
            self._show(answer)
        if self._content_chars and not answer.content.endswith("\n"):
            self._write("\n")
        return answer

    def _until_end(self, limit_s: float | None) -> Message:
        while True:
            try:
                answer = self._take(self._inbox.next(limit_s))
            except TimeoutError:
                raise KeyboardInterrupt from None
            if answer is not None and answer.status is not MessageStatus.STREAMING:
                return answer

    def _take(self, item: Item) -> Message | None:
        """Returns the answer whenever it is seen whole."""
        if isinstance(item, Refused):
            raise KnownError(item.notice)
        if isinstance(item, Snapshot):
            return self._look()
        if isinstance(item, MessageGrew) and item.message_id == self._send.answer_id:
            return self._grow(item)
        if isinstance(item, MessageChanged) and item.message.id == self._send.answer_id:
            self._tell_reading(item.message)
            return item.message
        if isinstance(item, Hurry):
            self._client.request(AnswerNow(answer_id=self._send.answer_id), lambda reply: None)
        self._show_progress(item)
        return None

    def _look(self) -> Message | None:
        """Reads the answer anew, after events were missed."""
        view = OpenChat(chat_id=self._send.chat_id, head_id=self._send.answer_id)
        try:
            reply = self._client.call(view)
        except KnownError as error:
            if error.notice.code is NoticeCode.MESSAGE_NOT_FOUND:
                return None  # not sent yet: the client repeats it by itself
            raise
        messages = getattr(reply, "messages", ())
        answer = next((message for message in messages if message.id == self._send.answer_id), None)
        if answer is not None:
            self._tell_reading(answer)
            self._show(answer)
        return answer

    def _grow(self, event: MessageGrew) -> Message | None:
        if event.content_offset > self._content_chars or event.reasoning_offset > self._reasoning_chars:
            return self._look()
        self._think(event.reasoning[self._reasoning_chars - event.reasoning_offset :])
        self._say(event.content[self._content_chars - event.content_offset :])
        return None

    def _show(self, answer: Message) -> None:
        self._think(answer.reasoning[self._reasoning_chars :])
        self._say(answer.content[self._content_chars :])

    def _think(self, text: str) -> None:
        if text and self._writes:
            self._console.whisper(text)
        self._reasoning_chars += len(text)

    def _say(self, text: str) -> None:
        if not text:
            return
        if self._reasoning_chars and not self._content_chars and self._writes:
            self._console.whisper("\n\n")
        self._write(text)
        self._content_chars += len(text)

    def _write(self, text: str) -> None:
        if self._writes:
            self._console.write(text)

    def _tell_reading(self, answer: Message) -> None:
        if answer.reading is not None and not self._has_told_reading:
            self._has_told_reading = True
            self._console.remark(f"cove: {left_out(answer.reading)}")

    def _show_progress(self, item: Item) -> None:
        if isinstance(item, EngineChanged) and item.status.state is EngineState.LOADING:
            self._console.status(f"Loading {item.status.model_id}… {item.status.progress:.0%}")
        elif isinstance(item, TurnNoticed) and self._console.shows_progress:
            self._console.remark(f"\ncove: {sentence(item.notice)}")
        elif isinstance(item, TurnMoved) and item.phase is Phase.PREFILL and item.total:
            self._console.status(f"Reading the prompt… {item.done} of {item.total} tokens")
        elif isinstance(item, TurnMoved) and item.phase is Phase.DECODE:
            self._console.clear_status()
