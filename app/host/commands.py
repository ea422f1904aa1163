"""What each command of the control socket does. Runs on the core's thread.

A command replies once: by returning the reply, or (when it has to wait for something) through `later`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from app.client import finding, protocol
from app.client.planning import PlanModel, PlanReply
from app.client.protocol import Done, Owner, Refused, Reply
from app.core import Core
from app.domain.chat import Chat, Message, Role
from app.domain.context import PromptSize
from app.domain.ids import new_id, now_ms
from app.domain.notice import Notice, NoticeCode
from app.domain.placement import Placement
from app.errors import CoveError, KnownError

log = logging.getLogger(__name__)

SendReply = Callable[[Reply], None]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked, and with which environment; `later` sends a reply that could not be returned."""

    client_id: str
    environment: Mapping[str, str]
    later: SendReply


class Commands:
    """Carries commands out on a core; whatever fails becomes a Refused."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._handlers: dict[type[Any], Callable[[Any, Caller], Reply | None]] = {
            protocol.Subscribe: self._subscribe,
            protocol.ListChats: self._list_chats,
            protocol.OpenChat: self._open_chat,
            protocol.ReadMessages: self._read_messages,
            protocol.ReadTree: self._read_tree,
            protocol.CreateChat: self._create_chat,
            protocol.ChangeChat: self._change_chat,
            protocol.DeleteChat: self._delete_chat,
            protocol.RestoreChat: self._restore_chat,
            protocol.CountTokens: self._count_tokens,
            protocol.Send: self._send,
            protocol.Regenerate: self._regenerate,
            protocol.ContinueAnswer: self._continue_answer,
            protocol.StopTurn: self._stop_turn,
            protocol.AnswerNow: self._answer_now,
            protocol.LoadModel: self._load_model,
            protocol.CancelLoad: self._cancel_load,
            protocol.UnloadModel: self._unload_model,
            protocol.SetModelOptions: self._set_model_options,
            protocol.FindModel: self._find_model,
            protocol.RemoveModel: self._remove_model,
            PlanModel: self._plan_model,
            finding.Recommend: self._recommend,
            finding.SearchHub: self._search_hub,
            protocol.Pull: self._pull,
            protocol.PauseTransfer: self._pause_transfer,
            protocol.ResumeTransfer: self._resume_transfer,
            protocol.CancelTransfer: self._cancel_transfer,
            protocol.MoveTransfer: self._move_transfer,
            protocol.ChangeSetting: self._change_setting,
        }

    def carry_out(self, command: protocol.Command, caller: Caller) -> None:
        """Carries a command out and sends its reply.

        A core that is closing does neither: the client asks the next host again.
        """
        if self._core.is_closing:
            return
        try:
            reply = self._handle(command, caller)
        except CoveError as error:
            if not isinstance(error, KnownError):
                log.error("A command failed: %s", error)
            reply = Refused(notice=error.notice)
        except Exception as error:
            log.exception("A command failed")
            detail = f"{type(error).__name__}: {error}"
            reply = Refused(notice=Notice(code=NoticeCode.BUG, facts={"detail": detail}))
        if reply is not None:
            caller.later(reply)

    def _handle(self, command: protocol.Command, caller: Caller) -> Reply | None:
        if self._core.failure is not None:
            raise KnownError(self._core.failure)
        handler = self._handlers.get(type(command))
        if handler is None:
            detail = f"unexpected {type(command).__name__}"
            raise KnownError.of(NoticeCode.BAD_REQUEST, detail=detail)
        return handler(command, caller)

    # Reading

    def _subscribe(self, command: protocol.Subscribe, caller: Caller) -> Reply:
        core = self._core
        chats = core.store.chats.page(limit=protocol.SNAPSHOT_CHATS + 1)
        return protocol.Snapshot(
            epoch=core.epoch,
            seq=0,
            chats=tuple(chats[: protocol.SNAPSHOT_CHATS]),
            has_more_chats=len(chats) > protocol.SNAPSHOT_CHATS,
            models=core.library.models(),
            engines=core.residency.statuses(),
            transfers=core.downloads.transfers(),
            settings=core.settings.as_dict(),
        )

    def _list_chats(self, command: protocol.ListChats, caller: Caller) -> Reply:
        limit = max(1, min(command.limit, protocol.SNAPSHOT_CHATS))
        chats = self._core.store.chats
        if command.query.strip():
            found = chats.search(command.query, limit + 1, command.before_ms)
        else:
            found = chats.page(before_ms=command.before_ms, limit=limit + 1, deleted=command.deleted)
        return protocol.ChatPage(chats=tuple(found[:limit]), has_more=len(found) > limit)

    def _open_chat(self, command: protocol.OpenChat, caller: Caller) -> Reply:
        chat = self._core.chats.chat(command.chat_id)
        head = command.head_id or chat.head_id
        messages, has_older = self._page(chat.id, head, None)
        return protocol.ChatView(
            chat=chat,
            outline=self._core.store.messages.outline(chat.id),
            messages=messages,
            has_older=has_older,
        )

    def _read_messages(self, command: protocol.ReadMessages, caller: Caller) -> Reply:
        chat = self._core.chats.chat(command.chat_id)
        head = command.before_id or chat.head_id
        messages, has_older = self._page(chat.id, head, command.before_id)
        return protocol.MessagePage(messages=messages, has_more=has_older)

    def _page(self, chat_id: str, head: str | None, before: str | None) -> tuple[tuple[Message, ...], bool]:
        if head is None:
            return (), False
        self._core.chats.save_partial(chat_id)
        message = self._core.store.messages.get(head)
        if message is None or message.chat_id != chat_id:
            raise KnownError.of(NoticeCode.MESSAGE_NOT_FOUND, message_id=head)
        messages, has_older = self._core.store.messages.branch(
            head, before_id=before, limit=protocol.PAGE_MESSAGES, max_bytes=protocol.PAGE_BYTES
        )
        return tuple(messages), has_older

    def _read_tree(self, command: protocol.ReadTree, caller: Caller) -> Reply:
        self._core.chats.chat(command.chat_id)
        self._core.chats.save_partial(command.chat_id)
        messages, has_more = self._core.store.messages.tree(
            command.chat_id, command.after_id, protocol.PAGE_MESSAGES, protocol.PAGE_BYTES
        )
        return protocol.MessagePage(messages=tuple(messages), has_more=has_more)

    # Chats and turns

    def _create_chat(self, command: protocol.CreateChat, caller: Caller) -> Reply:
        now = now_ms()
        self._core.chats.create(
            Chat(
                id=command.chat_id,
                created_ms=now,
                updated_ms=now,
                title=command.title,
                model_id=command.model_id,
                system_prompt=command.system_prompt,
                sampling=command.sampling,
                context_policy=command.context_policy,
            )
        )
        return Done()

    def _change_chat(self, command: protocol.ChangeChat, caller: Caller) -> Reply:
        self._core.chats.change(**msgspec.structs.asdict(command))
        return Done()

    def _delete_chat(self, command: protocol.DeleteChat, caller: Caller) -> Reply:
        self._core.chats.delete(command.chat_id)
        return Done()

    def _restore_chat(self, command: protocol.RestoreChat, caller: Caller) -> Reply:
        self._core.chats.restore(command.chat_id)
        return Done()

    def _send(self, command: protocol.Send, caller: Caller) -> Reply:
        message = Message(
            id=command.message_id,
            chat_id=command.chat_id,
            role=Role.USER,
            created_ms=now_ms(),
            parent_id=command.parent_id,
            content=command.text,
        )
        self._core.chats.send(
            message,
            command.answer_id,
            model_id=command.model_id,
            sampling=command.sampling,
            options=command.options,
            owner=_owner(command.owner, caller),
            priority=command.priority,
        )
        return Done()

    def _count_tokens(self, command: protocol.CountTokens, caller: Caller) -> None:
        chat = Chat(id="", created_ms=0, updated_ms=0, system_prompt=command.system_prompt)
        if command.chat_id is not None:
            chat = self._core.chats.chat(command.chat_id)
        draft = Message(
            id=new_id(),
            chat_id=chat.id,
            role=Role.USER,
            created_ms=0,
            parent_id=command.parent_id,
            content=command.text,
        )
        self._core.chats.count(
            chat, draft, command.model_id, lambda outcome: caller.later(_size_reply(outcome))
        )

    def _regenerate(self, command: protocol.Regenerate, caller: Caller) -> Reply:
        self._core.chats.regenerate(
            command.chat_id,
            command.message_id,
            command.answer_id,
            model_id=command.model_id,
            sampling=command.sampling,
            owner=_owner(command.owner, caller),
        )
        return Done()

    def _continue_answer(self, command: protocol.ContinueAnswer, caller: Caller) -> Reply:
        owner = _owner(command.owner, caller)
        self._core.chats.continue_answer(command.chat_id, command.answer_id, command.turn_id, owner=owner)
        return Done()

    def _stop_turn(self, command: protocol.StopTurn, caller: Caller) -> Reply:
        self._core.chats.stop(command.answer_id)
        return Done()

    def _answer_now(self, command: protocol.AnswerNow, caller: Caller) -> Reply:
        self._core.chats.answer_now(command.answer_id)
        return Done()

    # Models

    def _load_model(self, command: protocol.LoadModel, caller: Caller) -> Reply:
        self._core.load(command.model_id, command.options)
        return Done()

    def _cancel_load(self, command: protocol.CancelLoad, caller: Caller) -> Reply:
        self._core.cancel_load(command.model_id)
        return Done()

    def _unload_model(self, command: protocol.UnloadModel, caller: Caller) -> Reply:
        self._core.unload(command.model_id)
        return Done()

    def _set_model_options(self, command: protocol.SetModelOptions, caller: Caller) -> Reply:
        return protocol.ModelReply(model=self._core.library.set_options(command.model_id, command.options))

    def _find_model(self, command: protocol.FindModel, caller: Caller) -> Reply:
        return protocol.ModelReply(model=self._core.library.find(command.reference))

    def _plan_model(self, command: PlanModel, caller: Caller) -> None:
        model = self._core.library.find(command.model_id)
        options = model.options if command.options is None else command.options
        self._core.residency.placement(
            model, options, lambda outcome: caller.later(_placement_reply(outcome))
        )

    def _remove_model(self, command: protocol.RemoveModel, caller: Caller) -> Reply:
        self._core.remove_model(command.model_id)
        return Done()

    # Models that could be had

    def _recommend(self, command: finding.Recommend, caller: Caller) -> None:
        self._core.finder.recommend(
            lambda outcome: caller.later(
                Refused(notice=outcome)
                if isinstance(outcome, Notice)
                else finding.Recommendations(selection=outcome)
            )
        )

    def _search_hub(self, command: finding.SearchHub, caller: Caller) -> None:
        self._core.finder.search(
            command.words,
            caller.environment,
            lambda outcome: caller.later(
                Refused(notice=outcome) if isinstance(outcome, Notice) else finding.FoundOnHub(models=outcome)
            ),
            sort=command.sort,
            author=command.author,
            limit=command.limit,
        )

    # Transfers and settings

    def _pull(self, command: protocol.Pull, caller: Caller) -> None:
        self._core.downloads.pull(
            command.repo,
            command.quant,
            command.revision,
            caller.environment,
            lambda outcome: caller.later(_transfer_reply(outcome)),
        )

    def _pause_transfer(self, command: protocol.PauseTransfer, caller: Caller) -> Reply:
        self._core.downloads.pause(command.transfer_id)
        return Done()

    def _resume_transfer(self, command: protocol.ResumeTransfer, caller: Caller) -> None:
        self._core.downloads.resume(
            command.transfer_id,
            caller.environment,
            lambda outcome: caller.later(_transfer_reply(outcome)),
        )

    def _move_transfer(self, command: protocol.MoveTransfer, caller: Caller) -> Reply:
        self._core.downloads.move(command.transfer_id, max(command.place, 0))
        return Done()

    def _cancel_transfer(self, command: protocol.CancelTransfer, caller: Caller) -> Reply:
        self._core.downloads.cancel(command.transfer_id)
        return Done()

    def _change_setting(self, command: protocol.ChangeSetting, caller: Caller) -> Reply:
        self._core.change_setting(command.key, command.value)
        return Done()


def _owner(owner: Owner, caller: Caller) -> str | None:
    return caller.client_id if owner is Owner.CLIENT else None


def _size_reply(outcome: PromptSize | Notice) -> Reply:
    return Refused(notice=outcome) if isinstance(outcome, Notice) else protocol.TokenCount(size=outcome)


def _placement_reply(outcome: Placement | Notice) -> Reply:
    return Refused(notice=outcome) if isinstance(outcome, Notice) else PlanReply(placement=outcome)


def _transfer_reply(outcome: Any) -> Reply:
    if isinstance(outcome, KnownError):
        return Refused(notice=outcome.notice)
    return protocol.TransferReply(transfer=outcome)
