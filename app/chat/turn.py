"""One answer being made. Nobody else writes it.

Text goes three ways: to every client at once, to the store in chunks, and in the end whole into the store.
Runs on the core's thread; the engine's events are posted to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from app.chat.context import Roll, Shown
from app.domain.chat import MAX_MESSAGE_BYTES, Message, MessageStatus
from app.domain.context import ContextPolicy, Reading
from app.domain.generation import StopReason, Timings
from app.domain.ids import new_id
from app.domain.notice import Action, Fact, Notice, NoticeCode
from app.engine.base import (
    Counted,
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
    """Writes `answer`; calls `on_end` once, with the final message. `request` asks for all of `shown`; what
    is done when that does not fit is `policy`."""

    def __init__(
        self,
        answer: Message,
        request: GenerateRequest,
        shown: Shown,
        policy: ContextPolicy,
        engine: Engine,
        tools: TurnTools,
        on_end: Callable[[Message], None],
    ) -> None:
        self._answer = answer  # as it was when the turn began; its text is the prefix
        self._request = request
        self._shown = shown
        self._policy = policy
        self._roll: Roll | None = None  # once there was too much
        self._reading: Reading | None = shown.reading()
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
        self._engine.generate(self._request, self._hand_over)

    def _hand_over(self, event: RequestEvent) -> None:
        self._tools.loop.post(lambda: self._on_event(event))

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
        elif isinstance(event, Counted):
            self._take_count(event)
        elif not self._leave_out(event):
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
            notice = self._full()
        self._end(status, event.timings, notice, event.stop_reason)

    # When the chat no longer fits

    def _leave_out(self, event: Failed) -> bool:
        """Begins to leave out the oldest turns when there is too much to read, and that may be done."""
        if event.notice.code is not NoticeCode.PROMPT_TOO_LONG or self._policy is not ContextPolicy.ROLL:
            return False
        prompt, context = (int(event.notice.facts[name]) for name in ("prompt_tokens", "context_tokens"))
        roll = Roll(self._shown, self._request, context) if self._roll is None else None
        if roll is not None and roll.is_possible:
            self._roll = roll
            self._count(roll.candidate)
            return True
        if self._request.reserve_share and prompt < context:  # a short answer is better than none
            self._ask(reserve_share=0.0)
            self._generate()
            return True
        return False

    def _count(self, candidate: Shown) -> None:
        self._ask(messages=candidate.messages)
        self._engine.count(self._request, self._hand_over)

    def _take_count(self, event: Counted) -> None:
        assert self._roll is not None
        if not self._roll.take(event):
            self._count(self._roll.candidate)
            return
        found, counted = self._roll.candidate, self._roll.counted
        if counted.tokens >= counted.context_tokens:
            self._end(MessageStatus.FAILED, None, _too_long(counted))
            return
        self._reading = found.reading(counted.tokens - counted.cached_tokens)
        self._shown = found
        self._tell_reading()
        self._ask(messages=self._shown.messages)
        self._generate()

    def _tell_reading(self) -> None:
        """Before anything is read: what is left out is seen while the answer is waited for."""
        self.save()
        answer = self._so_far()
        self._tools.messages.finish(answer)  # it is still streaming: what follows is appended
        self._tools.bus.publish(MessageChanged(message=answer))

    def _ask(self, **changes: object) -> None:
        """Changes the request; what still comes for the one before is not heard."""
        self._request = msgspec.structs.replace(self._request, id=new_id(), **changes)

    def _full(self) -> Notice:
        actions = (Action.CONTINUE_ANSWER,) if self._policy is ContextPolicy.ROLL else (Action.SHORTEN,)
        return Notice(code=NoticeCode.CONTEXT_FULL, actions=actions)

    def _so_far(self) -> Message:
        return msgspec.structs.replace(
            self._answer,
            content="".join(self._content),
            reasoning="".join(self._reasoning),
            reading=self._reading,
        )

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
        final = msgspec.structs.replace(
            self._so_far(),
            status=status,
            timings=timings,
            stop_reason=stop_reason,
            notice=notice,
        )
        self._tools.messages.finish(final)
        self._tools.bus.publish(MessageChanged(message=final))
        self._on_end(final)


def _too_long(counted: Counted) -> Notice:
    facts: dict[str, Fact] = {"prompt_tokens": counted.tokens, "context_tokens": counted.context_tokens}
    return Notice(code=NoticeCode.PROMPT_TOO_LONG, facts=facts, actions=(Action.SHORTEN,))
