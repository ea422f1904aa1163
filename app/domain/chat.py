"""A chat is a tree of messages; a branch is a path in it; its head is the message it was last left at."""

from __future__ import annotations

from enum import StrEnum

from app.domain.context import ContextPolicy, Reading
from app.domain.generation import Sampling, StopReason, Timings
from app.domain.notice import Notice
from app.domain.value import Value

# Of a message's text as JSON, so that any one message fits a frame of the control socket (1 MB).
MAX_MESSAGE_BYTES = 700_000


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(StrEnum):
    """Every message but a streaming one is final until a person changes it."""

    COMPLETE = "complete"
    STREAMING = "streaming"
    STOPPED = "stopped"  # by the user
    INTERRUPTED = "interrupted"  # the host or the client's turn ended under it
    FAILED = "failed"  # the engine could not go on; `notice` says why


class Message(Value):
    """One turn of a person or a model. `parent_id` None is a root of the tree."""

    id: str
    chat_id: str
    role: Role
    created_ms: int
    parent_id: str | None = None
    content: str = ""
    reasoning: str = ""
    status: MessageStatus = MessageStatus.COMPLETE
    model_id: str | None = None
    turn_id: str | None = None  # the last turn that wrote it; repeating that turn is harmless
    timings: Timings | None = None
    stop_reason: StopReason | None = None  # why the engine ended it; None for what no engine ended
    notice: Notice | None = None
    reading: Reading | None = None  # None: the model read all above it


class Chat(Value):
    """A chat without its messages. `head_id` is the last message of the branch it is shown at."""

    id: str
    created_ms: int
    updated_ms: int
    title: str = ""
    head_id: str | None = None
    model_id: str | None = None
    system_prompt: str = ""
    sampling: Sampling = Sampling()
    deleted_ms: int | None = None
    context_policy: ContextPolicy | None = None  # None: as the settings say


class Outline(Value):
    """The shape of a chat's tree, small enough to send whole.

    Three parallel columns, oldest first: `ids[i]`, the index of its parent in `ids` (-1 for a root), and
    "u" or "a" for who wrote it. `is_whole` is false when older messages were left out.
    """

    ids: tuple[str, ...] = ()
    parents: tuple[int, ...] = ()
    roles: str = ""
    is_whole: bool = True
