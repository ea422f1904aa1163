"""A chat as the command line has it: a new one or the last one, and where the next question hangs."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from app.cli.answer import AnswerFollower, is_wanted
from app.cli.inbox import Inbox
from app.cli.sampling import sampling_of
from app.cli.verb import Options, VerbError, Work, find_model
from app.client.client import Client
from app.client.protocol import ChangeChat, CreateChat, Owner, Send, Snapshot
from app.domain.chat import Chat, Message
from app.domain.context import ContextPolicy
from app.domain.generation import Priority, Sampling, over
from app.domain.ids import new_id, now_ms
from app.domain.model import Model, ModelOptions
from app.domain.samplers import suited

_SEEDS = 2**32 - 1


class Conversation:
    """Questions to one model in one chat. `sampling` is what the last answer was made with."""

    def __init__(
        self, client: Client, inbox: Inbox, model: Model, chat: Chat, wishes: ModelOptions, suited: Sampling
    ) -> None:
        self.client = client
        self.inbox = inbox
        self.model = model
        self._chat = chat
        self._wishes = wishes
        self._suited = suited
        self.sampling = suited
        self._head_id = chat.head_id

    @classmethod
    @contextmanager
    def opened(cls, options: Options, work: Work, wishes: ModelOptions) -> Iterator[Conversation]:
        """Connects, finds the model, and makes the chat or takes the last one."""
        chat_id = new_id()
        inbox = Inbox(work.console, lambda event: is_wanted(event, chat_id))
        with work.client(inbox) as client:
            snapshot = inbox.first_snapshot()
            model = find_model(client, options.model)
            chat = _last_chat(client, snapshot, options) if options.goes_on else None
            chat_id = chat.id if chat else chat_id
            chat = chat or _new_chat(client, chat_id, model, options)
            yield cls(client, inbox, model, chat, wishes, suited(model, snapshot.settings))

    def ask(self, text: str, follower: AnswerFollower) -> Message:
        """Sends a question and returns its answer at its end."""
        wished = self._chat.sampling
        if wished.seed is None:  # drawn here, so that it can be said
            wished = msgspec.structs.replace(wished, seed=secrets.randbelow(_SEEDS))
        self.sampling = over(wished, self._suited)
        send = Send(
            chat_id=self._chat.id,
            message_id=new_id(),
            answer_id=new_id(),
            text=text,
            parent_id=self._head_id,
            model_id=self.model.id,
            sampling=wished,
            options=self._wishes,
            owner=Owner.CLIENT,
            priority=Priority.INTERACTIVE if sys.stdout.isatty() else Priority.PROGRAM,
        )
        answer = follower.follow(send)
        # A question that got no answer is asked anew beside itself, not below.
        self._head_id = answer.id if answer.content else self._head_id
        return answer


def _policy(options: Options) -> ContextPolicy | None:
    return ContextPolicy(options.context_policy) if options.context_policy is not None else None


def _new_chat(client: Client, chat_id: str, model: Model, options: Options) -> Chat:
    now = now_ms()
    sampling = sampling_of(options, Sampling())
    system = options.system or ""
    client.call(
        CreateChat(
            chat_id=chat_id,
            model_id=model.id,
            system_prompt=system,
            sampling=sampling,
            context_policy=_policy(options),
        ),
    )
    return Chat(id=chat_id, created_ms=now, updated_ms=now, sampling=sampling)


def _last_chat(client: Client, snapshot: Snapshot, options: Options) -> Chat:
    if not snapshot.chats:
        raise VerbError("there is no chat to continue yet. Leave out --continue to begin one.")
    chat = snapshot.chats[0]
    if options.system is not None or options.context_policy is not None:
        change = ChangeChat(chat_id=chat.id, system_prompt=options.system, context_policy=_policy(options))
        client.call(change)
    return msgspec.structs.replace(chat, sampling=sampling_of(options, chat.sampling))
