"""The language of the control socket: commands, replies, and the frames that carry them.

One connection is one ordered stream. The client sends requests; the host answers each with one reply, and
sends events in between once the client has subscribed. A snapshot or a chat view is taken and queued in one
step with the events, so every event that follows it applies to it and none is missing.
All ids are made by the client, so repeating any command is harmless.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from app.client.counting import CountTokens as CountTokens
from app.client.counting import TokenCount as TokenCount
from app.client.finding import FindingCommand, FindingReply
from app.domain.chat import Chat, Message, Outline
from app.domain.context import ContextPolicy
from app.domain.engine import EngineStatus
from app.domain.generation import Priority, Sampling
from app.domain.model import Model, ModelOptions
from app.domain.notice import Fact, Notice
from app.domain.transfer import Transfer
from app.domain.value import Value
from app.events import Event

PROTOCOL = 1
MAX_FRAME_BYTES = 1_000_000
PAGE_BYTES = 500_000
PAGE_MESSAGES = 100
SNAPSHOT_CHATS = 200


class ClientKind(StrEnum):
    WINDOW = "window"
    CLI = "cli"
    TEST = "test"


class Identity(Value):
    """Who is speaking. A newer `version` is a higher tuple of its numbers; `build` tells builds apart."""

    version: str
    build: str = ""
    protocol: int = PROTOCOL
    kind: ClientKind = ClientKind.CLI
    pid: int = 0


class Owner(StrEnum):
    """With whom a turn ends: with the client that began it, or (a window's turns) only with the host."""

    HOST = "host"
    CLIENT = "client"


# Replies


class Done(Value, tag=True):
    """The command was carried out and has nothing to say."""


class Welcome(Value, tag=True):
    """Reply to Hello."""

    identity: Identity
    epoch: str  # changes when the host is another process


class Snapshot(Value, tag=True):
    """Everything a client shows at first; events numbered after `seq` apply to it."""

    epoch: str
    seq: int
    chats: tuple[Chat, ...] = ()  # newest first, at most SNAPSHOT_CHATS
    has_more_chats: bool = False
    models: tuple[Model, ...] = ()
    engines: tuple[EngineStatus, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    settings: dict[str, Fact] = {}


class ChatPage(Value, tag=True):
    chats: tuple[Chat, ...] = ()
    has_more: bool = False


class ChatView(Value, tag=True):
    """A chat as it is opened: the tree's shape and the last page of the branch at its head, oldest first."""

    chat: Chat
    outline: Outline = Outline()
    messages: tuple[Message, ...] = ()
    has_older: bool = False


class MessagePage(Value, tag=True):
    messages: tuple[Message, ...] = ()
    has_more: bool = False


class ModelReply(Value, tag=True):
    model: Model


class TransferReply(Value, tag=True):
    transfer: Transfer


class Processes(Value, tag=True):
    """What `ps` and `doctor` show of the running host."""

    host_pid: int
    version: str
    started_ms: int
    clients: int
    engines: tuple[EngineStatus, ...] = ()
    last_exits: tuple[str, ...] = ()
    contacted_hosts: tuple[str, ...] = ()


class Refused(Value, tag=True):
    """The command was not carried out; nothing was changed."""

    notice: Notice


ChatReply = ChatPage | ChatView | MessagePage | TokenCount
ModelReplies = ModelReply | TransferReply | FindingReply
HostReply = Done | Welcome | Snapshot | Processes | Refused
Reply = ChatReply | ModelReplies | HostReply


# Commands


class Hello(Value, tag=True):
    """First on every connection."""

    identity: Identity


class Subscribe(Value, tag=True):
    """Replies with a Snapshot; events follow from there on. Again after `resync`."""


class ListChats(Value, tag=True):
    """A page of chats, newest first; `query` searches titles and texts; `before_ms` goes on after a page."""

    query: str = ""
    before_ms: int | None = None
    limit: int = SNAPSHOT_CHATS
    deleted: bool = False


class OpenChat(Value, tag=True):
    """Replies with a ChatView. `head_id` looks at another branch without moving the chat to it."""

    chat_id: str
    head_id: str | None = None


class ReadMessages(Value, tag=True):
    """A page of a branch, oldest first, that ends just above `before_id` (None: at the head)."""

    chat_id: str
    before_id: str | None = None


class ReadTree(Value, tag=True):
    """A page of all messages of a chat in order of making, after `after_id`; for export."""

    chat_id: str
    after_id: str | None = None


class CreateChat(Value, tag=True):
    chat_id: str
    title: str = ""
    model_id: str | None = None
    system_prompt: str = ""
    sampling: Sampling = Sampling()
    context_policy: ContextPolicy | None = None  # None: as the settings say


class ChangeChat(Value, tag=True):
    """Sets what is not None."""

    chat_id: str
    title: str | None = None
    model_id: str | None = None
    system_prompt: str | None = None
    sampling: Sampling | None = None
    head_id: str | None = None
    context_policy: ContextPolicy | None = None


class DeleteChat(Value, tag=True):
    """Moves a chat to the trash, ending its turn; RestoreChat brings it back."""

    chat_id: str


class RestoreChat(Value, tag=True):
    chat_id: str


class Send(Value, tag=True):
    """A person's message under `parent_id` (None: a new root), and a turn that answers it as `answer_id`.

    What is set in `options` counts for this turn only, before what is saved with the model."""

    chat_id: str
    message_id: str
    answer_id: str
    text: str
    parent_id: str | None = None
    model_id: str | None = None  # None: the chat's
    sampling: Sampling | None = None  # None: the chat's
    options: ModelOptions = ModelOptions()
    owner: Owner = Owner.HOST
    priority: Priority = Priority.INTERACTIVE


class Regenerate(Value, tag=True):
    """Another answer, beside the others, to the person's message `message_id`."""

    chat_id: str
    message_id: str
    answer_id: str
    model_id: str | None = None
    sampling: Sampling | None = None
    owner: Owner = Owner.HOST


class ContinueAnswer(Value, tag=True):
    """Goes on with an answer that was stopped, interrupted or cut at a limit."""

    chat_id: str
    answer_id: str
    turn_id: str
    owner: Owner = Owner.HOST


class StopTurn(Value, tag=True):
    """Ends the turn that writes `answer_id`; what there is of it is kept."""

    answer_id: str


class AnswerNow(Value, tag=True):
    """Makes the turn that writes `answer_id` end its thoughts and answer."""

    answer_id: str


class LoadModel(Value, tag=True):
    model_id: str
    options: ModelOptions | None = None  # None: as saved with the model


class CancelLoad(Value, tag=True):
    model_id: str


class UnloadModel(Value, tag=True):
    """None unloads all."""

    model_id: str | None = None


class SetModelOptions(Value, tag=True):
    model_id: str
    options: ModelOptions


class FindModel(Value, tag=True):
    """Replies with the Model for an id, an alias, `owner/repo:quant` or a GGUF's path (which is added)."""

    reference: str


class RemoveModel(Value, tag=True):
    """Deletes a model that Cove downloaded, or forgets one that it only knows by path."""

    model_id: str


class Pull(Value, tag=True):
    """Begins (or resumes) a download; replies with its Transfer once the files are known."""

    repo: str
    quant: str | None = None
    revision: str = "main"


class PauseTransfer(Value, tag=True):
    transfer_id: str


class ResumeTransfer(Value, tag=True):
    transfer_id: str


class CancelTransfer(Value, tag=True):
    transfer_id: str


class MoveTransfer(Value, tag=True):
    """Gives a download that waits its turn another place in the line."""

    transfer_id: str
    place: int = 0  # 0: the next


class ChangeSetting(Value, tag=True):
    key: str
    value: Fact


class ListProcesses(Value, tag=True):
    pass


class Quit(Value, tag=True):
    """Ends the host: turns are stopped and kept, models unloaded, transfers paused.

    With `if_idle` it is refused while anything runs."""

    if_idle: bool = False


ReadCommand = ListChats | OpenChat | ReadMessages | ReadTree
ChatCommand = ReadCommand | CreateChat | ChangeChat | DeleteChat | RestoreChat
TurnCommand = CountTokens | Send | Regenerate | ContinueAnswer | StopTurn | AnswerNow
ModelCommand = LoadModel | CancelLoad | UnloadModel | SetModelOptions | FindModel | RemoveModel
TransferCommand = Pull | PauseTransfer | ResumeTransfer | CancelTransfer | MoveTransfer
HostCommand = Hello | Subscribe | ChangeSetting | ListProcesses | Quit
Command = ChatCommand | TurnCommand | ModelCommand | TransferCommand | FindingCommand | HostCommand


# Frames


class Request(Value, tag=True):
    """`environment` holds the client's Hub and proxy variables, used for this command only, never logged."""

    id: str
    command: Command
    environment: dict[str, str] = {}


class Answer(Value, tag=True):
    """The reply to the request with this id."""

    id: str
    reply: Reply


class Happened(Value, tag=True):
    seq: int
    event: Event


class Resync(Value, tag=True):
    """Events were dropped because the client did not keep up: subscribe again."""


ToClient = Answer | Happened | Resync

_request = msgspec.json.Decoder(Request)
_to_client = msgspec.json.Decoder(ToClient)


class ProtocolError(Exception):
    """The other side sent something that is no frame of this protocol."""


def encode(frame: Request | ToClient) -> bytes:
    return msgspec.json.encode(frame)


def decode_request(data: bytes) -> Request:
    try:
        return _request.decode(data)
    except msgspec.MsgspecError as error:
        raise ProtocolError(str(error)) from error


def decode_to_client(data: bytes) -> ToClient:
    try:
        frame: ToClient = _to_client.decode(data)
    except msgspec.MsgspecError as error:
        raise ProtocolError(str(error)) from error
    return frame
