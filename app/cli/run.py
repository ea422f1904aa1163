"""`cove run MODEL [PROMPT]`: one answer, or without a prompt a conversation."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path
from typing import Any

from app.cli import sampling
from app.cli.answer import AnswerFollower
from app.cli.conversation import Conversation
from app.cli.numbers import whole
from app.cli.texts import interrupted_answer, sentence
from app.cli.verb import DONE, FAILED, INTERRUPTED, Options, Subparsers, UsageError, Work, add_verb
from app.domain.chat import Message, MessageStatus
from app.domain.context import ContextPolicy
from app.domain.engine import Adapter
from app.domain.generation import StopReason, Timings
from app.domain.model import ModelOptions

_HELLO = "{model}: /bye or Ctrl-D ends the conversation, Ctrl-C stops an answer, Ctrl-\\ ends its thoughts."


def add(verbs: Subparsers) -> None:
    parser = add_verb(verbs, "run", "ask a model; without a prompt, have a conversation", run)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("prompt", metavar="PROMPT", nargs="?", help="text from a pipe is added to it")
    parser.set_defaults(late="prompt")
    parser.add_argument("--continue", dest="goes_on", action="store_true", help="go on with the last chat")
    parser.add_argument("--system", metavar="TEXT", help="the system prompt")
    parser.add_argument("--ctx", metavar="TOKENS", type=whole(1), help="length of the context")
    policies = tuple(policy.value for policy in ContextPolicy)
    text = "when the chat no longer fits: say so, or leave out its oldest turns"
    parser.add_argument("--context-policy", choices=policies, help=text)
    parser.add_argument("--gpu-layers", metavar="N", type=whole(-1), help="layers on the GPU; -1: all")
    parser.add_argument("--template", metavar="FILE", help="a Jinja chat template instead of the model's own")
    text = "a LoRA adapter for the model (several: give it again)"
    parser.add_argument("--adapter", metavar="FILE[:SCALE]", action="append", type=_adapter, help=text)
    sampling.add_flags(parser)


def run(options: Options, work: Work) -> int:
    wishes = model_options(options)
    piped = read_pipe()
    text = "\n\n".join(part for part in (options.prompt, piped) if part)
    if not text.strip() and not sys.stdin.isatty():
        raise UsageError("there is nothing to ask: give a prompt, or pipe one in")
    with Conversation.opened(options, work, wishes) as conversation:
        if text.strip():
            return ask(conversation, text, options, work)
        return converse(conversation, options, work)


def ask(conversation: Conversation, text: str, options: Options, work: Work) -> int:
    """One question and its answer."""
    follower = AnswerFollower(conversation.client, conversation.inbox, work.console, writes=not options.json)
    answer = conversation.ask(text, follower)
    if options.json:
        work.console.json(as_json(answer) | {"sampling": sampling.as_json(conversation.sampling)})
    if answer.status is MessageStatus.INTERRUPTED:
        work.console.remark(f"cove: {interrupted_answer(len(answer.content), conversation.model.id)}")
    elif answer.notice is not None:
        work.console.remark(f"cove: {sentence(answer.notice)}")
    if follower.was_interrupted:
        return INTERRUPTED
    return DONE if answer.status is MessageStatus.COMPLETE else FAILED


def converse(conversation: Conversation, options: Options, work: Work) -> int:
    """Asks and answers in turn until /bye or the end of the input."""
    with contextlib.suppress(ImportError):  # not on every system
        import readline  # noqa: F401 (gives input() editing and history)
    work.console.remark(_HELLO.format(model=conversation.model.name))
    while True:
        try:
            text = input(">>> ").strip()
        except EOFError:
            work.console.line()
            return DONE
        except KeyboardInterrupt:
            work.console.line()
            continue
        if text == "/bye":
            return DONE
        if text:
            ask(conversation, text, options, work)


def as_json(answer: Message) -> dict[str, Any]:
    """The last line of --json; `timings` in llama-server's names."""
    timings = answer.timings or Timings()
    return {
        "text": answer.content,
        "reasoning": answer.reasoning,
        "stop_reason": _stop_reason(answer),
        "timings": {
            "cache_n": timings.cache_n,
            "prompt_n": timings.prompt_n,
            "prompt_ms": timings.prompt_ms,
            "predicted_n": timings.predicted_n,
            "predicted_ms": timings.predicted_ms,
            "predicted_per_second": timings.predicted_per_second,
        },
        "model": answer.model_id,
        "chat_id": answer.chat_id,
        "notice": answer.notice,
        "left_out": answer.reading.left_out if answer.reading else 0,
        "reread_n": answer.reading.reread_n if answer.reading else 0,
    }


def _stop_reason(answer: Message) -> str:
    if answer.status is MessageStatus.INTERRUPTED:
        return "interrupted"
    if answer.status is MessageStatus.FAILED:
        return StopReason.FAILED.value
    return (answer.stop_reason or StopReason.CANCELLED).value


def read_pipe() -> str:
    """Returns what was piped in. Only pipes and files are read: other things may never end."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):  # closed, or not there
        return ""
    return sys.stdin.read() if stat.S_ISFIFO(mode) or stat.S_ISREG(mode) else ""


def model_options(options: Options) -> ModelOptions:
    return ModelOptions(
        context_tokens=options.ctx,
        gpu_layers=options.gpu_layers,
        chat_template=_read_template(options.template) if options.template else None,
        adapters=tuple(options.adapter) if options.adapter else None,
    )


def _adapter(text: str) -> Adapter:
    path, _, last = text.rpartition(":")
    try:
        scale = float(last) if path else None
    except ValueError:  # the colon is the path's own
        scale = None
    name = text if scale is None else path
    return Adapter(path=str(Path(name).expanduser().absolute()), scale=1.0 if scale is None else scale)


_adapter.__name__ = "adapter"


def _read_template(name: str) -> str:
    try:
        return Path(name).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"the template {name} cannot be read: {reason}") from error
