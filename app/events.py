"""Facts about what changed, in the past tense, and the bus that hands them on.

Events are values: they go over the control socket as they are. Whoever draws or prints follows them and
never asks twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from app.domain.chat import Chat, Message
from app.domain.engine import EngineStatus
from app.domain.generation import Phase
from app.domain.model import Model
from app.domain.notice import Fact, Notice
from app.domain.transfer import Transfer
from app.domain.value import Value

log = logging.getLogger(__name__)


class ChatChanged(Value, tag=True):
    """A chat was made, renamed, moved to another branch or restored."""

    chat: Chat


class ChatRemoved(Value, tag=True):
    chat_id: str


class MessageAdded(Value, tag=True):
    message: Message


class MessageGrew(Value, tag=True):
    """Text was appended. The offsets are lengths before it (in characters): a reader that has another length
    has missed something and reads the message again."""

    chat_id: str
    message_id: str
    content_offset: int = 0
    content: str = ""
    reasoning_offset: int = 0
    reasoning: str = ""


class MessageChanged(Value, tag=True):
    """A message was set anew, most often because its turn ended."""

    message: Message


class TurnMoved(Value, tag=True):
    """A turn entered a phase, or went on in it: `done` of `total` prompt tokens, 0 of 0 when not counted."""

    chat_id: str
    message_id: str
    phase: Phase
    done: int = 0
    total: int = 0


class TurnNoticed(Value, tag=True):
    """Something about an answer in the making that a person may want to act on."""

    chat_id: str
    message_id: str
    notice: Notice


class ModelAdded(Value, tag=True):
    model: Model


class ModelRemoved(Value, tag=True):
    model_id: str


class EngineChanged(Value, tag=True):
    status: EngineStatus


class TransferChanged(Value, tag=True):
    transfer: Transfer


class TransferRemoved(Value, tag=True):
    transfer_id: str


class SettingChanged(Value, tag=True):
    key: str
    value: Fact


class NoticeRaised(Value, tag=True):
    """Something that belongs to no message: shown as a banner, printed on stderr."""

    notice: Notice


class HostLeaving(Value, tag=True):
    """The host is about to end; `for_newer` when it makes room for a newer version."""

    for_newer: bool = False


Event = (
    ChatChanged
    | ChatRemoved
    | MessageAdded
    | MessageGrew
    | MessageChanged
    | TurnMoved
    | TurnNoticed
    | ModelAdded
    | ModelRemoved
    | EngineChanged
    | TransferChanged
    | TransferRemoved
    | SettingChanged
    | NoticeRaised
    | HostLeaving
)

Listener = Callable[[Event], None]


class Bus:
    """Hands each event to every listener, in order, in the caller's thread.

    Only the core's thread publishes, so all listeners see one order. A listener that raises is logged and
    does not keep the others from hearing.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Adds a listener and returns the function that removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                log.exception("A listener failed on %s", type(event).__name__)
