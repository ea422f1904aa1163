"""One answer being made. Nobody else writes it.

Text goes three ways: to every client at once, to the store in chunks, and in the end whole into the store.
Runs on the core's thread; the engine's events are posted to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from app.chat.context import shortened
from app.domain.chat import MAX_MESSAGE_BYTES, Message, MessageStatus
from app.domain.generation import StopReason, Timings
from app.domain.ids import new_id
from app.domain.notice import Action, Notice, NoticeCode
from app.engine.base import (
    Engine,
    Failed,
    Finished,
    GenerateRequest,
    Noticed,
    PhaseMoved,
    RequestEvent,
    TextGrew,
)
from app.events import Bus, MessageChanged, MessageGrew, TurnMoved, TurnNoticed
from app.loop import Loop, Timer
from app.store.messages import MessageTable


@dataclass(frozen=True, slots=True)
class TurnTools:
    """What every turn needs from its surroundings."""

    loop: Loop
    bus: Bus
    messages: MessageTable
    save_s: float  # how often text is saved while it streams


class Turn:
    """Writes `answer`; calls `on_end` once, with the final message."""

    def __init__(
        self,
        answer: Message,
        request: GenerateRequest,
        engine: Engine,
        tools: TurnTools,
        on_end: Callable[[Message], None],
    ) -> None:
        self._answer = answer  # as it was when the turn began; its text is the prefix
        self._request = request
        self._engine = engine
        self._tools = tools
        self._on_end = on_end
        self._content: list[str] = [answer.content]
        self._reasoning: list[str] = [answer.reasoning]
        self._content_chars = len(answer.content)
        self._reasoning_chars = len(answer.reasoning)
        self._unsaved_content: list[str] = []
        self._unsaved_reasoning: list[str] = []
        self._bytes = len(answer.content.encode()) + len(answer.reasoning.encode())
        self._save_timer: Timer | None = None
        self._dropped = 0
        self._is_over = False

    @property
    def answer_id(self) -> str:
        return self._answer.id

    @property
    def chat_id(self) -> str:
        return self._answer.chat_id

    @property
    def turn_id(self) -> str | None:
        return self._answer.turn_id

    def start(self) -> None:
        self._generate()

    def stop(self) -> None:
        """Asks the engine to end; the terminal event follows at once."""
        self._engine.cancel(self._request.id)

    def answer_now(self) -> None:
        """Asks the engine to end its thoughts."""
        self._engine.answer_now(self._request.id)

    def interrupt(self) -> None:
        """Ends the turn here and now, because its surroundings end; what there is of the answer is kept."""
        self._end(MessageStatus.INTERRUPTED, None, None)
        self._engine.cancel(self._request.id)

    def save(self) -> None:
        """Saves what is written so far at once: whoever reads the answer now must get what was told of it."""
        if self._save_timer is not None:
            self._save_timer.cancel()
            self._save()

    def fail(self, notice: Notice) -> None:
        """Ends the turn for a reason that is not the engine's."""
        self._end(MessageStatus.FAILED, None, notice)

    def _generate(self) -> None:
        def hand_over(event: RequestEvent) -> None:
            self._tools.loop.post(lambda: self._on_event(event))

        self._engine.generate(self._request, hand_over)

    def _on_event(self, event: RequestEvent) -> None:
        if self._is_over or event.id != self._request.id:
            return
        if isinstance(event, TextGrew):
            self._grow(event)
        elif isinstance(event, PhaseMoved):
            self._move(event)
        elif isinstance(event, Noticed):
            self._tools.bus.publish(
                TurnNoticed(chat_id=self.chat_id, message_id=self.answer_id, notice=event.notice)
            )
        elif isinstance(event, Finished):
            self._finish(event)
        elif not self._retry_shorter(event):
            self._end(MessageStatus.FAILED, event.timings, event.notice)

    def _grow(self, event: TextGrew) -> None:
        self._tools.bus.publish(
            MessageGrew(
                chat_id=self.chat_id,
                message_id=self.answer_id,
                content_offset=self._content_chars,
                content=event.content,
                reasoning_offset=self._reasoning_chars,
                reasoning=event.reasoning,
            )
        )
        self._content.append(event.content)
        self._reasoning.append(event.reasoning)
        self._content_chars += len(event.content)
        self._reasoning_chars += len(event.reasoning)
        self._unsaved_content.append(event.content)
        self._unsaved_reasoning.append(event.reasoning)
        self._bytes += len(msgspec.json.encode(event))
        if self._save_timer is None:
            self._save_timer = self._tools.loop.call_later(self._tools.save_s, self._save)
        if self._bytes > MAX_MESSAGE_BYTES:
            self.stop()

    def _move(self, event: PhaseMoved) -> None:
        moved = TurnMoved(
            chat_id=self.chat_id,
            message_id=self.answer_id,
            phase=event.phase,
            done=event.done,
            total=event.total,
        )
        self._tools.bus.publish(moved)

    def _save(self) -> None:
        self._save_timer = None
        content, reasoning = "".join(self._unsaved_content), "".join(self._unsaved_reasoning)
        self._unsaved_content.clear()
        self._unsaved_reasoning.clear()
        self._tools.messages.append(self.answer_id, content, reasoning)

    def _finish(self, event: Finished) -> None:
        status, notice = MessageStatus.COMPLETE, None
        if event.stop_reason is StopReason.CANCELLED:
            status = MessageStatus.STOPPED
        elif event.stop_reason is StopReason.CONTEXT_FULL:
            notice = Notice(code=NoticeCode.CONTEXT_FULL, actions=(Action.SHORTEN,))
        self._end(status, event.timings, notice, event.stop_reason)

    def _retry_shorter(self, event: Failed) -> bool:
        """Drops the oldest turns when that is what keeps the prompt from fitting."""
        if event.notice.code is not NoticeCode.PROMPT_TOO_LONG:
            return False
        facts = event.notice.facts
        messages = shortened(
            self._request.messages, int(facts["prompt_tokens"]), int(facts["context_tokens"])
        )
        if messages is None:
            return False
        self._dropped += len(self._request.messages) - len(messages)
        self._request = msgspec.structs.replace(self._request, id=new_id(), messages=messages)
        self._generate()
        return True

    def _end(
        self,
        status: MessageStatus,
        timings: Timings | None,
        notice: Notice | None,
        stop_reason: StopReason | None = None,
    ) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._save_timer is not None:
            self._save_timer.cancel()
        if notice is None and self._dropped:
            notice = Notice(code=NoticeCode.CONTEXT_TRIMMED, facts={"dropped_messages": self._dropped})
        final = msgspec.structs.replace(
            self._answer,
            content="".join(self._content),
            reasoning="".join(self._reasoning),
            status=status,
            timings=timings,
            stop_reason=stop_reason,
            notice=notice,
        )
        self._tools.messages.finish(final)
        self._tools.bus.publish(MessageChanged(message=final))
        self._on_end(final)
