"""What an engine is to the rest of Cove: one model that answers requests with a stream of events.

Knows nothing of chats or the store. Implementations: `client.SupervisedEngine` (a child process with
llama.cpp), `scripted.ScriptedEngine` (plays a script).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from app.domain.chat import Role
from app.domain.engine import EngineStatus
from app.domain.generation import Phase, Priority, Sampling, StopReason, Timings
from app.domain.notice import Notice
from app.domain.value import Value


class PromptMessage(Value):
    """One message as the chat template sees it."""

    role: Role
    content: str
    reasoning: str = ""


class GenerateRequest(Value):
    """One answer to make.

    `answer_prefix` (and `reasoning_prefix`) is text the answer already has: generation goes on right
    after it and the events carry only what is new. A prompt that leaves less than `reserve_share` of the
    context free for the answer (see `domain.context.reserved_tokens`) is refused. `chat_template`
    replaces the model's own. `thinking` is what templates that can switch reasoning are told, and
    `effort` those that know levels of it. No more than `reasoning_budget` tokens are thoughts: then the
    model is made to answer. None is what fits well.
    """

    id: str
    messages: tuple[PromptMessage, ...]
    sampling: Sampling = Sampling()
    chat_template: str | None = None
    thinking: bool = True
    effort: str | None = None
    reasoning_budget: int | None = None
    answer_prefix: str = ""
    reasoning_prefix: str = ""
    priority: Priority = Priority.INTERACTIVE
    reserve_share: float = 0.0


class PhaseMoved(Value, tag=True):
    """The request entered a phase or went on in it. In prefill `done` of `total` prompt tokens are evaluated
    (`total` counts the whole prompt, reused tokens included)."""

    id: str
    phase: Phase
    done: int = 0
    total: int = 0


class TextGrew(Value, tag=True):
    """New text, already split: what belongs to the answer and what to the reasoning before it."""

    id: str
    content: str = ""
    reasoning: str = ""


class Noticed(Value, tag=True):
    """Something about the answer that a person may want to act on while it is made."""

    id: str
    notice: Notice


class Counted(Value, tag=True):
    """Terminal, of a count: the prompt as it would be evaluated has so many tokens, of which `cached_tokens`
    would not have to be. `context_tokens` is what it has to fit."""

    id: str
    tokens: int
    context_tokens: int
    cached_tokens: int = 0


class Finished(Value, tag=True):
    """Terminal: the answer ended by itself, at a limit, or because it was cancelled."""

    id: str
    stop_reason: StopReason
    timings: Timings = Timings()


class Failed(Value, tag=True):
    """Terminal: no (further) text will come; the notice says why and what can be done."""

    id: str
    notice: Notice
    timings: Timings = Timings()


RequestEvent = PhaseMoved | TextGrew | Noticed | Counted | Finished | Failed
OnRequestEvent = Callable[[RequestEvent], None]
OnStatus = Callable[[EngineStatus], None]


class Engine(Protocol):
    """Promises: every accepted request gets exactly one terminal event, whatever happens to the engine;
    `cancel` is felt at once; events of one request come in order. Callbacks run on the engine's own threads
    and must not block."""

    @property
    def status(self) -> EngineStatus: ...

    def load(self) -> None:
        """Begins loading if nothing is loaded; progress and failure come as status changes."""

    def generate(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        """Queues a request, loading the model first if need be. Never raises for the engine's faults."""

    def count(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        """Counts the tokens of a request's prompt, loading the model first if need be. Ends with Counted, or
        as `generate` does when it cannot; other requests are not kept waiting for more than a moment."""

    def cancel(self, request_id: str) -> None:
        """Ends a request: its terminal event (Finished, CANCELLED) is delivered before the engine has
        caught up. Unknown ids are ignored."""

    def answer_now(self, request_id: str) -> None:
        """Makes a request that still thinks (or has not begun to) come to its answer. Unknown ids, and
        those that answer already, are ignored."""

    def cancel_load(self) -> None:
        """Ends a load in progress; requests that wait for it fail with MODEL_LOAD_CANCELLED."""

    def close(self) -> None:
        """Ends the child and every waiting request. Harmless when repeated; returns when nothing is left."""
