"""A client and the host behind it in memory, for the window's tests: plain lists, no threads, no files.

Speaks the protocol as the real pair does (events of a command come before its reply) and says what a test
tells it to. `open` is given to the bridge in place of the real client.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import msgspec

from app.client import finding, protocol
from app.client.client import ClientListener, ConnectionState
from app.client.protocol import ChatPage, ChatView, Command, Done, MessagePage, Refused, Reply, Snapshot
from app.domain.catalogue import Offer, Selection
from app.domain.chat import Chat, Message, MessageStatus, Role
from app.domain.context import ContextPolicy, PromptSize
from app.domain.engine import EngineState, EngineStatus
from app.domain.model import Model
from app.domain.notice import Fact, Notice, NoticeCode
from app.domain.transfer import Transfer, TransferState
from app.events import (
    ChatChanged,
    ChatRemoved,
    EngineChanged,
    Event,
    MessageAdded,
    MessageChanged,
    MessageGrew,
    SettingChanged,
    TransferChanged,
)

OnReply = Callable[[Reply], None]

STARTER = Model(
    id="smollm2-135m-instruct:q4_1",
    name="SmolLM2-135M-Instruct",
    path="/models/smollm2.gguf",
    size_bytes=98_400_000,
    quant="Q4_1",
    context_tokens=8192,
    has_template=True,
    is_starter=True,
)
LARGER = Model(
    id="deepseek-r1-distill-qwen-7b:q4_k_m",
    name="DeepSeek-R1-Distill-Qwen-7B",
    path="/models/deepseek.gguf",
    size_bytes=4_683_000_000,
    quant="Q4_K_M",
    context_tokens=131_072,
    has_template=True,
    added_ms=5,
)


class FakeHost:
    """`commands` is everything it was asked; `refusals` maps a kind of command to the notice it gets."""

    def __init__(self) -> None:
        self.chats: dict[str, Chat] = {}
        self.messages: dict[str, Message] = {}
        self.models: list[Model] = [STARTER]
        self.engines: dict[str, EngineStatus] = {}
        self.transfers: list[Transfer] = []
        self.offers: list[Offer] = []
        self.looks: list[Command] = []  # what the window asks by itself, as it begins
        self.settings: dict[str, Fact] = {"appearance.theme": "system", "models.default": ""}
        self.commands: list[Command] = []
        self.refusals: dict[type[Any], Notice] = {}
        self.size = PromptSize(tokens=9, context_tokens=4096, fits=True, policy=ContextPolicy.ROLL)
        self.page_messages = protocol.PAGE_MESSAGES
        self.snapshot_chats = protocol.SNAPSHOT_CHATS
        self.is_holding = False  # replies wait until `let_go`
        self.is_silent = False  # events are lost on the way
        self.is_closed = False
        self._held: list[tuple[Command, OnReply]] = []
        self._listener: ClientListener | None = None
        self._now_ms = 1_000
        self._handlers: dict[type[Any], Callable[[Any], Reply]] = {
            finding.Recommend: self._recommend,
            protocol.ListChats: self._list_chats,
            protocol.OpenChat: self._open_chat,
            protocol.ReadMessages: self._read_messages,
            protocol.CreateChat: self._create_chat,
            protocol.ChangeChat: self._change_chat,
            protocol.DeleteChat: self._delete_chat,
            protocol.RestoreChat: self._restore_chat,
            protocol.CountTokens: lambda command: protocol.TokenCount(size=self.size),
            protocol.Send: self._send,
            protocol.Regenerate: self._regenerate,
            protocol.ContinueAnswer: self._continue,
            protocol.StopTurn: self._stop,
            protocol.ChangeSetting: self._change_setting,
        }

    # The client's side

    def open(self, listener: ClientListener) -> FakeHost:
        self._listener = listener
        self.connect()
        return self

    def request(self, command: Command, on_reply: OnReply) -> None:
        # Of no interest to whoever looks at what a person's doing asked of the host.
        (self.looks if isinstance(command, finding.Recommend) else self.commands).append(command)
        if self.is_holding:
            self._held.append((command, on_reply))
        else:
            on_reply(self._reply(command))

    def close(self) -> None:
        self.is_closed = True

    # What a test makes happen

    def asked(self, kind: type[Any]) -> list[Any]:
        return [command for command in self.commands if isinstance(command, kind)]

    def let_go(self, count: int | None = None) -> None:
        """Answers what was held, in order: all, or only the first so many."""
        self.is_holding = count is not None
        held, self._held = self._held[:count], self._held[count:] if count is not None else []
        for command, on_reply in held:
            on_reply(self._reply(command))

    def connect(self) -> None:
        self.change_connection(ConnectionState.CONNECTED)
        assert self._listener is not None
        self._listener.snapshot(self.snapshot())

    def change_connection(self, state: ConnectionState, notice: Notice | None = None) -> None:
        assert self._listener is not None
        self._listener.connection_changed(state, notice)

    def say(self, event: Event) -> None:
        if self._listener is not None and not self.is_silent:
            self._listener.happened(event)

    def snapshot(self) -> Snapshot:
        chats = self._newest()
        return Snapshot(
            epoch="1",
            seq=0,
            chats=tuple(chats[: self.snapshot_chats]),
            has_more_chats=len(chats) > self.snapshot_chats,
            models=tuple(self.models),
            engines=tuple(self.engines.values()),
            transfers=tuple(self.transfers),
            settings=dict(self.settings),
        )

    def add_chat(self, chat_id: str, *texts: str, title: str = "", updated_ms: int | None = None) -> Chat:
        """Adds a chat with turns of a person and a model by turns, all complete."""
        now = self._tick() if updated_ms is None else updated_ms
        parent: str | None = None
        for number, text in enumerate(texts):
            role = Role.ASSISTANT if number % 2 else Role.USER
            message = Message(
                id=f"{chat_id}-{number}",
                chat_id=chat_id,
                role=role,
                created_ms=now,
                parent_id=parent,
                content=text,
                model_id=STARTER.id if number % 2 else None,
            )
            self.messages[message.id] = message
            parent = message.id
        chat = Chat(id=chat_id, created_ms=now, updated_ms=now, title=title or chat_id, head_id=parent)
        self.chats[chat_id] = chat
        return chat

    def streaming(self) -> Message:
        """The answer being written."""
        found = [m for m in self.messages.values() if m.status is MessageStatus.STREAMING]
        assert len(found) == 1
        return found[0]

    def grow(self, content: str, reasoning: str = "") -> None:
        """Adds to the answer being written."""
        answer = self.streaming()
        event = MessageGrew(
            chat_id=answer.chat_id,
            message_id=answer.id,
            content_offset=len(answer.content),
            content=content,
            reasoning_offset=len(answer.reasoning),
            reasoning=reasoning,
        )
        self.messages[answer.id] = msgspec.structs.replace(
            answer, content=answer.content + content, reasoning=answer.reasoning + reasoning
        )
        self.say(event)

    def end(self, status: MessageStatus = MessageStatus.COMPLETE, **changes: Any) -> Message:
        """Ends the answer being written."""
        answer = msgspec.structs.replace(self.streaming(), status=status, **changes)
        self.messages[answer.id] = answer
        self.say(MessageChanged(message=answer))
        self._put(msgspec.structs.replace(self.chats[answer.chat_id], updated_ms=self._tick()))
        return answer

    def set_engine(self, model_id: str, state: EngineState, **changes: Any) -> None:
        status = EngineStatus(model_id=model_id, state=state, **changes)
        self.engines[model_id] = status
        if state is EngineState.IDLE:
            del self.engines[model_id]
        self.say(EngineChanged(status=status))

    def fail_transfer(self, transfer: Transfer, notice: Notice) -> None:
        """Lets a download end with a notice."""
        failed = msgspec.structs.replace(transfer, state=TransferState.FAILED, notice=notice)
        self.transfers = [*(other for other in self.transfers if other.id != failed.id), failed]
        self.say(TransferChanged(transfer=failed))

    def branch(self, head_id: str | None) -> list[Message]:
        """Root first."""
        branch: list[Message] = []
        while head_id is not None:
            branch.insert(0, self.messages[head_id])
            head_id = branch[0].parent_id
        return branch

    # Replies

    def _reply(self, command: Command) -> Reply:
        notice = self.refusals.get(type(command))
        if notice is not None:
            return Refused(notice=notice)
        chat_id = getattr(command, "chat_id", None)
        if chat_id is not None and chat_id not in self.chats and not isinstance(command, protocol.CreateChat):
            return Refused(notice=Notice(code=NoticeCode.CHAT_NOT_FOUND, facts={"chat_id": chat_id}))
        handler = self._handlers.get(type(command))
        return handler(command) if handler is not None else Done()

    def _newest(self) -> list[Chat]:
        living = [chat for chat in self.chats.values() if chat.deleted_ms is None]
        return sorted(living, key=lambda chat: -chat.updated_ms)

    def _list_chats(self, command: protocol.ListChats) -> Reply:
        older = [c for c in self._newest() if command.before_ms is None or c.updated_ms < command.before_ms]
        older = [chat for chat in older if command.query.casefold() in self._all_text(chat)]
        return ChatPage(chats=tuple(older[: self.snapshot_chats]), has_more=len(older) > self.snapshot_chats)

    def _recommend(self, command: finding.Recommend) -> Reply:
        selection = Selection(offers=tuple(self.offers), checked=datetime.date(2026, 5, 5))
        return finding.Recommendations(selection=selection)

    def _all_text(self, chat: Chat) -> str:
        texts = [message.content for message in self.messages.values() if message.chat_id == chat.id]
        return "\n".join([chat.title, *texts]).casefold()

    def _open_chat(self, command: protocol.OpenChat) -> Reply:
        chat = self.chats[command.chat_id]
        branch = self.branch(chat.head_id)
        return ChatView(
            chat=chat,
            messages=tuple(branch[-self.page_messages :]),
            has_older=len(branch) > self.page_messages,
        )

    def _read_messages(self, command: protocol.ReadMessages) -> Reply:
        assert command.before_id is not None
        above = self.branch(command.before_id)[:-1]
        page = above[-self.page_messages :]
        return MessagePage(messages=tuple(page), has_more=len(above) > len(page))

    def _create_chat(self, command: protocol.CreateChat) -> Reply:
        if command.chat_id not in self.chats:
            now = self._tick()
            chat = Chat(
                id=command.chat_id,
                created_ms=now,
                updated_ms=now,
                model_id=command.model_id,
                system_prompt=command.system_prompt,
                sampling=command.sampling,
            )
            self._put(chat)
        return Done()

    def _change_chat(self, command: protocol.ChangeChat) -> Reply:
        names = ("title", "model_id", "system_prompt", "sampling", "head_id")
        wanted = {name: getattr(command, name) for name in names}
        changes = {name: value for name, value in wanted.items() if value is not None}
        self._put(msgspec.structs.replace(self.chats[command.chat_id], **changes))
        return Done()

    def _delete_chat(self, command: protocol.DeleteChat) -> Reply:
        self.chats[command.chat_id] = msgspec.structs.replace(self.chats[command.chat_id], deleted_ms=1)
        self.say(ChatRemoved(chat_id=command.chat_id))
        return Done()

    def _restore_chat(self, command: protocol.RestoreChat) -> Reply:
        self._put(msgspec.structs.replace(self.chats[command.chat_id], deleted_ms=None))
        return Done()

    def _send(self, command: protocol.Send) -> Reply:
        if command.message_id in self.messages:
            return Done()
        message = Message(
            id=command.message_id,
            chat_id=command.chat_id,
            role=Role.USER,
            created_ms=self._tick(),
            parent_id=command.parent_id,
            content=command.text,
        )
        self.messages[message.id] = message
        self._begin(message, command.answer_id, command.model_id, [message])
        return Done()

    def _regenerate(self, command: protocol.Regenerate) -> Reply:
        self._begin(self.messages[command.message_id], command.answer_id, command.model_id, [])
        return Done()

    def _begin(self, message: Message, answer_id: str, model_id: str | None, added: list[Message]) -> None:
        answer = Message(
            id=answer_id,
            chat_id=message.chat_id,
            role=Role.ASSISTANT,
            created_ms=self._tick(),
            parent_id=message.id,
            status=MessageStatus.STREAMING,
            model_id=model_id,
            turn_id=answer_id,
        )
        self.messages[answer.id] = answer
        chat = self.chats[message.chat_id]
        self._put(
            msgspec.structs.replace(
                chat,
                title=chat.title or message.content[:40],
                head_id=answer.id,
                model_id=model_id,
                updated_ms=self._tick(),
            )
        )
        for each in (*added, answer):
            self.say(MessageAdded(message=each))

    def _continue(self, command: protocol.ContinueAnswer) -> Reply:
        answer = msgspec.structs.replace(
            self.messages[command.answer_id],
            status=MessageStatus.STREAMING,
            turn_id=command.turn_id,
            notice=None,
            timings=None,
        )
        self.messages[answer.id] = answer
        self.say(MessageChanged(message=answer))
        return Done()

    def _stop(self, command: protocol.StopTurn) -> Reply:
        if self.messages[command.answer_id].status is MessageStatus.STREAMING:
            self.end(MessageStatus.STOPPED)
        return Done()

    def _change_setting(self, command: protocol.ChangeSetting) -> Reply:
        self.settings[command.key] = command.value
        self.say(SettingChanged(key=command.key, value=command.value))
        return Done()

    def _put(self, chat: Chat) -> None:
        self.chats[chat.id] = chat
        self.say(ChatChanged(chat=chat))

    def _tick(self) -> int:
        self._now_ms += 1
        return self._now_ms
