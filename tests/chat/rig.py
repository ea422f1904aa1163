"""A chat service on its own: a real loop and store, one scripted engine."""

from __future__ import annotations

from pathlib import Path

from app.chat.service import ChatService
from app.chat.turn import TurnTools
from app.domain.chat import Chat, Message, MessageStatus, Role
from app.domain.context import ContextPolicy
from app.domain.engine import LoadPlan
from app.domain.generation import Sampling
from app.domain.ids import new_id, now_ms
from app.domain.model import Model
from app.domain.notice import NoticeCode
from app.engine.base import Engine, GenerateRequest, OnRequestEvent
from app.engine.scripted import ScriptedEngine
from app.errors import KnownError
from app.events import Bus, Event, MessageChanged
from app.loop import Loop
from app.store.store import Store
from tests.waiting import wait_until

MODEL = Model(id="scripted", name="Scripted", path="/nowhere.gguf", size_bytes=1, context_tokens=2048)


class Rig:
    """Calls are made on the loop's thread, as the core makes them."""

    def __init__(self, folder: Path, engine: Engine | None = None, save_s: float = 0.02) -> None:
        self.loop = Loop("rig")
        self.loop.start()
        self.bus = Bus()
        self.model = MODEL
        self.policy = ContextPolicy.ROLL
        self.events: list[Event] = []
        self.bus.listen(self.events.append)
        self.engine = engine or ScriptedEngine(LoadPlan(model_id="scripted", model_path="/nowhere.gguf"))
        self.store = self.loop.run(lambda: Store.open(folder / "cove.db"))
        tools = TurnTools(self.loop, self.bus, self.store.messages, save_s)
        self.service = ChatService(self.store, self.bus, self, tools)
        self.chat_id = self.new_chat()

    # chat.service.Engines

    def choose(self, wanted: str | None) -> Model:
        if wanted not in (None, MODEL.id):
            raise KnownError.of(NoticeCode.MODEL_NOT_FOUND, model=wanted or "")
        return self.model

    def sampling(self, model: Model) -> Sampling:
        return model.sampling

    def context_policy(self) -> ContextPolicy:
        return self.policy

    def for_model(self, model: Model) -> Engine:
        return self.engine

    def loaded_tokens(self, model: Model) -> int:
        loaded = self.engine.status.loaded
        return loaded.context_tokens if loaded is not None else 0

    def count(self, model: Model, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self.engine.count(request, on_event)

    # What a client does

    def new_chat(self, system_prompt: str = "") -> str:
        now = now_ms()
        chat = Chat(id=new_id(), created_ms=now, updated_ms=now, system_prompt=system_prompt)
        self.loop.run(lambda: self.service.create(chat))
        return chat.id

    def send(self, text: str, parent_id: str | None = None, owner: str | None = None) -> Message:
        """Sends, and returns the answer's first state."""
        answer_id = new_id()
        message = Message(
            id=new_id(),
            chat_id=self.chat_id,
            role=Role.USER,
            created_ms=now_ms(),
            parent_id=parent_id,
            content=text,
        )
        self.loop.run(lambda: self.service.send(message, answer_id, owner=owner))
        return self.get(answer_id)

    def get(self, message_id: str) -> Message:
        message = self.loop.run(lambda: self.store.messages.get(message_id))
        assert message is not None
        return message

    def chat(self) -> Chat:
        return self.loop.run(lambda: self.service.chat(self.chat_id))

    def ended(self, message_id: str) -> Message:
        """Waits for an answer's end and returns it as it is stored."""
        wait_until(lambda: self.get(message_id).status is not MessageStatus.STREAMING, what="an answer's end")
        return self.get(message_id)

    def changes(self, message_id: str) -> list[Message]:
        """The final states of an answer that were published."""
        changed = [event.message for event in tuple(self.events) if isinstance(event, MessageChanged)]
        return [message for message in changed if message.id == message_id]

    def close(self) -> None:
        self.loop.run(self.service.close)
        self.engine.close()
        self.loop.run(self.store.close)
        self.loop.close()
