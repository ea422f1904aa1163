"""Cove as a contender, from its two ends: the engine alone, and the whole path that a window uses."""

from __future__ import annotations

import functools
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from app.client.client import Client
from app.client.connect import open_client
from app.client.protocol import ClientKind, CreateChat, FindModel, Send
from app.domain.chat import Message, MessageStatus, Role
from app.domain.engine import EngineState, EngineStatus, LoadPlan
from app.domain.generation import Sampling, Timings
from app.domain.ids import new_id
from app.domain.model import ModelOptions
from app.engine.base import Failed, Finished, GenerateRequest, PromptMessage, RequestEvent, TextGrew
from app.engine.client import SupervisedEngine
from app.events import Event, MessageChanged, MessageGrew
from app.paths import Paths, resolve
from tests.benchmarks.peers import Chat
from tests.e2e.processes import Cove

LIMIT_S = 600


class Pending:
    """One answer on its way, and when its text came."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.first = self.last = self.ended = 0.0
        self.text = ""
        self.timings = Timings()
        self.has_begun = threading.Event()
        self.has_ended = threading.Event()

    def grew(self, text: str) -> None:
        self.last = time.perf_counter() - self.begun
        self.first = self.first or self.last
        self.text += text
        self.has_begun.set()

    def end(self, timings: Timings) -> None:
        self.ended = time.perf_counter() - self.begun
        self.timings = timings
        self.has_ended.set()

    def result(self) -> dict[str, Any]:
        assert self.has_ended.wait(LIMIT_S)
        assert self.text
        return {
            "first": self.first,
            "last": self.last,
            "count": self.timings.predicted_n,
            "prompt_n": self.timings.cache_n + self.timings.prompt_n,
            "prompt_s": self.timings.prompt_ms / 1000,
            "text": self.text,
        }


class EnginePath:
    """The supervised engine, without chats and store: `app.engine.client` as the host uses it."""

    def __init__(self, model: Path, folder: Path, *, context: int, threads: int) -> None:
        paths = Paths(home=folder)
        paths.logs.mkdir(parents=True)
        plan = LoadPlan(model_id=model.stem, model_path=str(model), context_tokens=context, threads=threads)
        self._ready = threading.Event()
        self._engine = SupervisedEngine(plan, self._moved, paths=paths)
        self._engine.load()
        assert self._ready.wait(LIMIT_S)

    def begin(self, chat: Chat, tokens: int) -> tuple[str, Pending]:
        pending, request_id = Pending(), new_id()

        def came(event: RequestEvent) -> None:
            if isinstance(event, TextGrew):
                pending.grew(event.content + event.reasoning)
            elif isinstance(event, Finished | Failed):
                pending.end(event.timings)

        messages = tuple(PromptMessage(role=Role(turn["role"]), content=turn["content"]) for turn in chat)
        request = GenerateRequest(
            id=request_id, messages=messages, sampling=Sampling(temperature=0, max_tokens=tokens)
        )
        self._engine.generate(request, came)
        return request_id, pending

    def cancel(self, request_id: str) -> None:
        self._engine.cancel(request_id)

    def answer(self, chat: Chat, tokens: int) -> dict[str, Any]:
        return self.begin(chat, tokens)[1].result()

    def parallel(self, chats: list[Chat], tokens: int) -> dict[str, Any]:
        begun = time.perf_counter()
        answers = [pending.result() for _, pending in [self.begin(chat, tokens) for chat in chats]]
        seconds = time.perf_counter() - begun
        return {"seconds": seconds, "count": sum(answer["count"] for answer in answers)}

    @property
    def processes(self) -> list[psutil.Process]:
        pid = self._engine.status.pid
        assert pid is not None
        return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]

    def close(self) -> None:
        self._engine.close()

    def _moved(self, status: EngineStatus) -> None:
        if status.state is EngineState.READY:
            self._ready.set()


class WholePath:
    """A client of a host: the control socket, the chat service, the store, the engine and back."""

    def __init__(self, cove: Cove, model: Path, *, context: int, threads: int) -> None:
        self._pending: dict[str, Pending] = {}
        self._cove = cove
        self._options = ModelOptions(context_tokens=context, threads=threads)
        self.client: Client = open_client(resolve(cove.home), kind=ClientKind.TEST, listener=self)
        self._model_id = self.client.call(FindModel(reference=str(model))).model.id

    def begin(self, chat: Chat, tokens: int) -> tuple[str, Pending]:
        """Begins an answer to the first message of a new chat, below a system prompt."""
        system, user = chat
        chat_id, answer_id = new_id(), new_id()
        sampling = Sampling(temperature=0.0, max_tokens=tokens)
        self.client.call(CreateChat(chat_id=chat_id, sampling=sampling, system_prompt=system["content"]))
        pending = self._pending[answer_id] = Pending()
        message = Send(
            chat_id=chat_id,
            message_id=new_id(),
            answer_id=answer_id,
            text=user["content"],
            model_id=self._model_id,
            options=self._options,
        )
        self.client.call(message, 60)
        return answer_id, pending

    def answer(self, chat: Chat, tokens: int) -> dict[str, Any]:
        return self.begin(chat, tokens)[1].result()

    @functools.cached_property
    def processes(self) -> list[psutil.Process]:
        """The host, then the engine's; there must have been an answer."""
        return [*self._cove.hosts(), *self._cove.engines()]

    def close(self) -> None:
        self.client.close()

    # A listener of the client

    def snapshot(self, snapshot: object) -> None: ...

    def connection_changed(self, state: object, notice: object) -> None: ...

    def happened(self, event: Event) -> None:
        if isinstance(event, MessageGrew):
            pending = self._pending.get(event.message_id)
            if pending is not None:
                pending.grew(event.content + event.reasoning)
        elif isinstance(event, MessageChanged):
            self._changed(event.message)

    def _changed(self, message: Message) -> None:
        if message.status is not MessageStatus.STREAMING and message.id in self._pending:
            self._pending.pop(message.id).end(message.timings or Timings())


def spent_ms(processes: list[psutil.Process]) -> list[float]:
    """Returns how much processor time each has taken so far."""
    return [1000 * (process.cpu_times().user + process.cpu_times().system) for process in processes]
