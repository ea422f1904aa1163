"""A client that plays a script: what comes into the inbox, and what is answered to calls."""

from __future__ import annotations

from collections import deque
from contextlib import nullcontext

from app.client.protocol import Command, Done, Reply
from app.domain.chat import Message, MessageStatus, Role
from app.errors import KnownError

INTERRUPT = KeyboardInterrupt()


class FakeClient:
    """`asked` is everything that was asked; `answers` maps a command's type to its reply (or error)."""

    def __init__(self, **answers: Reply | KnownError) -> None:
        self.asked: list[Command] = []
        self.answers = answers

    def request(self, command, on_reply) -> None:
        self.asked.append(command)

    def call(self, command, timeout_s=10.0) -> Reply:
        self.asked.append(command)
        reply = self.answers.get(type(command).__name__, Done())
        if isinstance(reply, KnownError):
            raise reply
        return reply

    def names(self) -> list[str]:
        return [type(command).__name__ for command in self.asked]


class FakeInbox:
    """Gives its items in turn, raises those that are errors; TimeoutError at the end."""

    def __init__(self, *items) -> None:
        self.items = deque(items)

    def interruptible(self):
        return nullcontext()

    def put(self, reply) -> None:
        raise AssertionError("the fake client answers nothing by itself")

    def next(self, timeout_s=None):
        item = self.items.popleft() if self.items else TimeoutError()
        if isinstance(item, BaseException):
            raise item
        return item


def message(status=MessageStatus.COMPLETE, content="", reasoning="", message_id="a") -> Message:
    return Message(
        id=message_id,
        chat_id="c",
        role=Role.ASSISTANT,
        created_ms=0,
        content=content,
        reasoning=reasoning,
        status=status,
    )
