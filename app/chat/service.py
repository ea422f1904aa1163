"""Chats in motion: what a person does to a chat, and the turns that answer.

Joins the store and the engines. Runs on the core's thread. Every command may be repeated: ids are made by
clients, and what is already there is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from app.chat.branch import BranchReader
from app.chat.context import Shown
from app.chat.titles import title_from
from app.chat.turn import Turn, TurnTools
from app.domain.chat import MAX_MESSAGE_BYTES, Chat, Message, MessageStatus, Role
from app.domain.context import ContextPolicy, PromptSize, reserved_tokens
from app.domain.generation import Priority, Sampling, over
from app.domain.ids import now_ms
from app.domain.model import Model, ModelOptions
from app.domain.notice import Action, Notice, NoticeCode
from app.domain.value import to_json
from app.engine.base import (
    Counted,
    Engine,
    Failed,
    Finished,
    GenerateRequest,
    OnRequestEvent,
    RequestEvent,
)
from app.errors import KnownError
from app.events import Bus, ChatChanged, ChatRemoved, MessageAdded, MessageChanged
from app.store.store import Store


class Engines(Protocol):
    """How a turn gets its engine; built by the core."""

    def choose(self, wanted: str | None) -> Model:
        """Returns the wanted model, else the default. Raises KnownError: MODEL_NOT_FOUND, NO_MODEL."""

    def sampling(self, model: Model) -> Sampling:
        """Returns what applies where a chat leaves it open."""

    def context_policy(self) -> ContextPolicy:
        """Returns what is done with chats that do not say."""

    def for_model(self, model: Model) -> Engine:
        """Returns the engine that serves a model. Raises KnownError when it cannot be had now."""

    def loaded_tokens(self, model: Model) -> int:
        """Returns the context of a model in memory, 0 when it is not there."""

    def count(self, model: Model, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        """Counts a request's prompt, without loading more than that takes."""


class ChatService:
    """Owns the running turns; one at a time in a chat."""

    def __init__(self, store: Store, bus: Bus, engines: Engines, tools: TurnTools) -> None:
        self._store = store
        self._bus = bus
        self._engines = engines
        self._tools = tools
        self._branches = BranchReader(store.messages)
        self._turns: dict[str, Turn] = {}  # by answer id
        self._owners: dict[str, str] = {}  # answer id -> the client that its turn ends with

    @property
    def is_busy(self) -> bool:
        return bool(self._turns)

    # Chats

    def chat(self, chat_id: str) -> Chat:
        """Returns a chat that is not deleted. Raises KnownError (CHAT_NOT_FOUND)."""
        chat = self._store.chats.get(chat_id)
        if chat is None or chat.deleted_ms is not None:
            raise KnownError.of(NoticeCode.CHAT_NOT_FOUND, chat_id=chat_id)
        return chat

    def create(self, chat: Chat) -> None:
        if self._store.chats.add(chat):
            self._bus.publish(ChatChanged(chat=chat))

    def change(
        self,
        chat_id: str,
        *,
        title: str | None = None,
        model_id: str | None = None,
        system_prompt: str | None = None,
        sampling: Sampling | None = None,
        head_id: str | None = None,
        context_policy: ContextPolicy | None = None,
    ) -> None:
        """Sets what is not None."""
        if head_id is not None:
            self._message(chat_id, head_id)
        wanted = {
            "title": title,
            "model_id": model_id,
            "system_prompt": system_prompt,
            "sampling": sampling,
            "head_id": head_id,
            "context_policy": context_policy,
        }
        changes = {name: value for name, value in wanted.items() if value is not None}
        self._put(msgspec.structs.replace(self.chat(chat_id), **changes))

    def delete(self, chat_id: str) -> None:
        """Ends the chat's turn and moves it to the trash."""
        chat = self._store.chats.get(chat_id)
        if chat is None or chat.deleted_ms is not None:
            return
        turn = self._turn_in(chat_id)
        if turn is not None:
            turn.interrupt()
            chat = self.chat(chat_id)
        self._store.chats.update(msgspec.structs.replace(chat, deleted_ms=now_ms()))
        self._bus.publish(ChatRemoved(chat_id=chat_id))

    def restore(self, chat_id: str) -> None:
        chat = self._store.chats.get(chat_id)
        if chat is None:
            raise KnownError.of(NoticeCode.CHAT_NOT_FOUND, chat_id=chat_id)
        if chat.deleted_ms is not None:
            self._put(msgspec.structs.replace(chat, deleted_ms=None))

    # Turns

    def send(
        self,
        message: Message,
        answer_id: str,
        *,
        model_id: str | None = None,
        sampling: Sampling | None = None,
        options: ModelOptions | None = None,
        owner: str | None = None,
        priority: Priority = Priority.INTERACTIVE,
    ) -> None:
        """Saves a person's message, durably, and begins the turn that answers it.

        Raises KnownError, with nothing changed: CHAT_NOT_FOUND, CHAT_BUSY, MESSAGE_NOT_FOUND (the parent),
        MESSAGE_TOO_LONG, and what choosing the model raises.
        """
        if self._store.messages.get(message.id) is not None:
            return  # said before
        chat = self.chat(message.chat_id)
        _check_length(message.content)
        if message.parent_id is not None:
            self._message(chat.id, message.parent_id)
        model, engine = self._engine_for(chat, model_id, options)
        answer = _new_answer(message, answer_id, model)
        chat = msgspec.structs.replace(
            chat,
            title=chat.title or title_from(message.content),
            model_id=model.id,
            head_id=answer.id,
            updated_ms=message.created_ms,
        )
        self._store.messages.add_turn(message, answer, chat)
        self._bus.publish(ChatChanged(chat=chat))
        self._bus.publish(MessageAdded(message=message))
        self._bus.publish(MessageAdded(message=answer))
        self._begin(chat, answer, engine, model, sampling, owner, priority)

    def regenerate(
        self,
        chat_id: str,
        message_id: str,
        answer_id: str,
        *,
        model_id: str | None = None,
        sampling: Sampling | None = None,
        owner: str | None = None,
    ) -> None:
        """Begins another answer to a person's message. Raises as `send` does."""
        if self._store.messages.get(answer_id) is not None:
            return
        chat = self.chat(chat_id)
        message = self._message(chat_id, message_id, Role.USER)
        model, engine = self._engine_for(chat, model_id)
        answer = _new_answer(message, answer_id, model)
        chat = msgspec.structs.replace(chat, model_id=model.id, head_id=answer.id, updated_ms=now_ms())
        self._store.messages.add_turn(None, answer, chat)
        self._bus.publish(ChatChanged(chat=chat))
        self._bus.publish(MessageAdded(message=answer))
        self._begin(chat, answer, engine, model, sampling, owner)

    def continue_answer(
        self, chat_id: str, answer_id: str, turn_id: str, *, owner: str | None = None
    ) -> None:
        """Goes on with an answer right after its text. Raises as `send` does."""
        answer = self._message(chat_id, answer_id, Role.ASSISTANT)
        if answer.turn_id == turn_id:
            return  # said before
        chat = self.chat(chat_id)
        model, engine = self._engine_for(chat, answer.model_id)
        answer = msgspec.structs.replace(
            answer,
            status=MessageStatus.STREAMING,
            turn_id=turn_id,
            timings=None,
            stop_reason=None,
            notice=None,
        )
        self._store.messages.finish(answer)  # whole, so that what follows is appended to it
        self._bus.publish(MessageChanged(message=answer))
        self._begin(chat, answer, engine, model, None, owner)

    def count(
        self,
        chat: Chat,
        draft: Message,
        model_id: str | None,
        on_size: Callable[[PromptSize | Notice], None],
    ) -> None:
        """Counts what an answer to a message that is not sent yet would have to read; `on_size` is called
        once, later, with a notice where that cannot be said. Raises KnownError as `send` does."""
        if draft.parent_id is not None:
            self._message(chat.id, draft.parent_id)
        model = self._engines.choose(model_id or chat.model_id)
        loaded_tokens = self._engines.loaded_tokens(model)
        shown = self._branches.for_draft(chat, draft, model, self._policy(chat), loaded_tokens)
        request = self._request(draft.id, chat, model, shown, None)

        def heard(event: RequestEvent) -> None:
            outcome = _size(event, request, self._policy(chat))
            if outcome is not None:
                self._tools.loop.post(lambda: on_size(outcome))

        self._engines.count(model, request, heard)

    def save_partial(self, chat_id: str) -> None:
        """Brings what is stored of a chat up to the last event that was published of it."""
        turn = self._turn_in(chat_id)
        if turn is not None:
            turn.save()

    def stop(self, answer_id: str) -> None:
        """Ends a turn; what there is of the answer is kept. Unknown ids are ignored."""
        turn = self._turns.get(answer_id)
        if turn is not None:
            turn.stop()

    def answer_now(self, answer_id: str) -> None:
        """Makes a turn that still thinks come to its answer. Unknown ids are ignored."""
        turn = self._turns.get(answer_id)
        if turn is not None:
            turn.answer_now()

    def client_left(self, client_id: str) -> None:
        """Ends the turns that belong to a client that is gone."""
        for answer_id in [answer for answer, owner in self._owners.items() if owner == client_id]:
            self._turns[answer_id].interrupt()

    def close(self) -> None:
        """Ends every turn; their answers are kept as interrupted."""
        for turn in list(self._turns.values()):
            turn.interrupt()

    # Parts

    def _begin(
        self,
        chat: Chat,
        answer: Message,
        engine: Engine,
        model: Model,
        sampling: Sampling | None,
        owner: str | None,
        priority: Priority = Priority.INTERACTIVE,
    ) -> None:
        policy = self._policy(chat)
        shown = self._branches.for_answer(chat, answer, model, policy, _loaded_tokens(engine))
        request = self._request(answer.turn_id or answer.id, chat, model, shown, sampling)
        request = msgspec.structs.replace(
            request, answer_prefix=answer.content, reasoning_prefix=answer.reasoning, priority=priority
        )
        turn = Turn(answer, request, shown, policy, engine, self._tools, self._on_end)
        self._turns[answer.id] = turn
        if owner is not None:
            self._owners[answer.id] = owner
        turn.start()

    def _request(
        self, request_id: str, chat: Chat, model: Model, shown: Shown, sampling: Sampling | None
    ) -> GenerateRequest:
        wished = over(sampling or chat.sampling, self._engines.sampling(model))
        return GenerateRequest(
            id=request_id,
            messages=shown.messages,
            sampling=wished,
            thinking=wished.thinking is not False,
            effort=wished.effort,
            reasoning_budget=wished.reasoning_budget,
            chat_template=model.options.chat_template,
            reserve_share=self._policy(chat).reserve_share,
        )

    def _policy(self, chat: Chat) -> ContextPolicy:
        return chat.context_policy or self._engines.context_policy()

    def _on_end(self, answer: Message) -> None:
        self._turns.pop(answer.id, None)
        self._owners.pop(answer.id, None)
        chat = self._store.chats.get(answer.chat_id)
        if chat is not None and chat.deleted_ms is None:
            self._put(msgspec.structs.replace(chat, updated_ms=now_ms()))

    def _engine_for(
        self, chat: Chat, wanted: str | None, options: ModelOptions | None = None
    ) -> tuple[Model, Engine]:
        if self._turn_in(chat.id) is not None:
            raise KnownError.of(NoticeCode.CHAT_BUSY, chat_id=chat.id)
        model = self._engines.choose(wanted or chat.model_id)
        if options is not None:
            model = msgspec.structs.replace(model, options=_over(options, model.options))
        return model, self._engines.for_model(model)

    def _turn_in(self, chat_id: str) -> Turn | None:
        return next((turn for turn in self._turns.values() if turn.chat_id == chat_id), None)

    def _message(self, chat_id: str, message_id: str, role: Role | None = None) -> Message:
        message = self._store.messages.get(message_id)
        if message is None or message.chat_id != chat_id or (role is not None and message.role is not role):
            raise KnownError.of(NoticeCode.MESSAGE_NOT_FOUND, message_id=message_id)
        return message

    def _put(self, chat: Chat) -> None:
        self._store.chats.update(chat)
        self._bus.publish(ChatChanged(chat=chat))


def _new_answer(message: Message, answer_id: str, model: Model) -> Message:
    return Message(
        id=answer_id,
        chat_id=message.chat_id,
        parent_id=message.id,
        role=Role.ASSISTANT,
        status=MessageStatus.STREAMING,
        created_ms=now_ms(),
        model_id=model.id,
        turn_id=answer_id,
    )


def _loaded_tokens(engine: Engine) -> int:
    loaded = engine.status.loaded
    return loaded.context_tokens if loaded is not None else 0


def _size(event: RequestEvent, request: GenerateRequest, policy: ContextPolicy) -> PromptSize | Notice | None:
    """What the end of a count says; None for what comes before."""
    if isinstance(event, Failed):
        return event.notice
    if isinstance(event, Finished):
        return Notice(code=NoticeCode.MODEL_LOAD_CANCELLED)
    if not isinstance(event, Counted):
        return None
    reserved = reserved_tokens(event.context_tokens, request.sampling.max_tokens, request.reserve_share)
    fits = event.tokens + reserved <= event.context_tokens
    return PromptSize(tokens=event.tokens, context_tokens=event.context_tokens, fits=fits, policy=policy)


def _over(options: ModelOptions, saved: ModelOptions) -> ModelOptions:
    """What is set in `options`, and for the rest what is saved."""
    wished = {name: value for name, value in msgspec.structs.asdict(options).items() if value is not None}
    return msgspec.structs.replace(saved, **wished)


def _check_length(text: str) -> None:
    size = len(to_json(text))
    if size > MAX_MESSAGE_BYTES:
        raise KnownError.of(
            NoticeCode.MESSAGE_TOO_LONG, Action.SHORTEN, bytes=size, limit_bytes=MAX_MESSAGE_BYTES
        )
