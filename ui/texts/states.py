"""The state of answers, models and downloads in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.domain.chat import Message, MessageStatus
from app.domain.context import ContextPolicy, PromptSize
from app.domain.engine import EngineState, EngineStatus, LoadedModel
from app.domain.generation import Phase, StopReason, Timings
from app.domain.model import Model
from app.domain.transfer import Transfer, TransferState
from ui.texts.figures import (
    context_text,
    number_text,
    percent_text,
    progress_text,
    rough_duration_text,
    seconds_text,
    size_text,
    tokens_text,
)
from ui.texts.notices import notice_words

SEPARATOR = " · "

translate = QCoreApplication.translate


def phase_text(phase: Phase | None, done: int = 0, total: int = 0, *, progress: float = 0.0) -> str:
    """What an answer in the making is doing. None: nothing was heard yet."""
    if phase is Phase.LOADING:
        said = translate("texts", "Loading the model: {percent}")
        return said.format(percent=percent_text(progress))
    if phase is Phase.TEMPLATE:
        return translate("texts", "Preparing the prompt")
    if phase is Phase.PREFILL:
        if total == 0:
            return translate("texts", "Reading the chat")
        said = translate("texts", "Reading the chat: {done} of %Ln token(s)", "", total)
        return said.format(done=number_text(done))
    if phase is Phase.DECODE:
        return translate("texts", "Writing")
    return translate("texts", "Waiting for the engine")


def answer_text(message: Message, model_name: str) -> str:
    """The line under a finished answer: who, how it ended when not by itself, how much and how fast."""
    parts = [model_name] if model_name else []
    ending = ending_text(message)
    if ending:
        parts.append(ending)
    if message.timings is not None:
        parts += _timing_parts(message.timings)
    return SEPARATOR.join(parts)


def ending_text(message: Message) -> str:
    """How an answer ended when it was not of itself; empty otherwise."""
    if message.status is MessageStatus.STOPPED:
        return translate("texts", "stopped by you")
    if message.status is MessageStatus.INTERRUPTED:
        return translate("texts", "interrupted, this much is kept")
    if message.status is MessageStatus.FAILED:
        return translate("texts", "failed")
    if message.stop_reason is StopReason.LENGTH:
        return translate("texts", "cut at the length you set")
    if message.stop_reason is StopReason.CONTEXT_FULL:
        return translate("texts", "cut because the context is full")
    return ""


def remark_text(message: Message) -> str:
    """What is to be said of an answer beside its line, in the transcript; empty for most."""
    if message.notice is None:
        return ""
    words = notice_words(message.notice)
    return words.happened if message.status is MessageStatus.FAILED else words.whole


def left_out_text(message: Message) -> str:
    """What is said over an answer from which on less of the chat is read; empty for all others."""
    reading = message.reading
    if reading is None or not reading.reread_n:
        return ""
    said = translate("texts", "%Ln earlier message(s) are no longer read", "", reading.left_out)
    again = translate("texts", "{tokens} read first").format(tokens=tokens_text(reading.reread_n))
    return SEPARATOR.join([said, again])


def room_text(size: PromptSize) -> str:
    """How full the context is with the message in the box, and what that means."""
    figures = context_text(size.tokens, size.context_tokens)
    said = translate("texts", "Your message and the chat take {figures}.").format(figures=figures)
    if size.fits:
        return said
    if size.policy is ContextPolicy.ROLL:
        return f"{said} {translate('texts', 'The oldest messages will no longer be read.')}"
    advice = translate("texts", "That leaves no room for an answer: shorten it, or begin a new chat.")
    return f"{said} {advice}"


def thought_text(message: Message) -> str:
    """The title of the fold with a model's reasoning."""
    is_thinking = message.status is MessageStatus.STREAMING and not message.content
    if is_thinking:
        return translate("texts", "Thinking")
    timings = message.timings
    if timings is None or timings.reasoning_ms <= 0:
        return translate("texts", "Thoughts")
    said = translate("texts", "Thought for {time}").format(time=seconds_text(timings.reasoning_ms))
    return SEPARATOR.join([said, tokens_text(timings.reasoning_n)]) if timings.reasoning_n else said


def model_title(model: Model) -> str:
    return SEPARATOR.join(part for part in (model.name, model.quant) if part)


def model_line(model: Model) -> str:
    """One line about a model: what it is good for, or what it is."""
    if model.is_missing:
        return translate("texts", "Its file is gone")
    size = size_text(model.size_bytes)
    if model.is_starter:
        return SEPARATOR.join([translate("texts", "Small, English, only to try the app"), size])
    parts = [size]
    if model.context_tokens:
        context = translate("texts", "context up to {tokens}")
        parts.append(context.format(tokens=tokens_text(model.context_tokens)))
    if not model.has_template:
        parts.append(translate("texts", "no chat template"))
    return SEPARATOR.join(parts)


def engine_text(status: EngineStatus | None) -> str:
    """The state of a model's engine in a word or two; empty when there is none."""
    if status is None or status.state in (EngineState.IDLE, EngineState.STOPPING):
        return ""
    if status.state in (EngineState.STARTING, EngineState.LOADING):
        return translate("texts", "Loading {percent}").format(percent=percent_text(status.progress))
    if status.state is EngineState.FAILED:
        return translate("texts", "Could not be loaded")
    return translate("texts", "Loaded")


def placement_text(loaded: LoadedModel) -> str:
    """Where a loaded model sits."""
    if loaded.gpu_layers <= 0:
        place = translate("texts", "On the processor")
    else:
        layers = {"gpu": number_text(loaded.gpu_layers), "all": number_text(loaded.layers)}
        place = translate("texts", "{gpu} of {all} layers on the graphics card").format(**layers)
    context = translate("texts", "context {tokens}").format(tokens=number_text(loaded.context_tokens))
    return SEPARATOR.join([place, context])


def transfer_title(transfer: Transfer) -> str:
    return SEPARATOR.join(part for part in (transfer.repo.rpartition("/")[2], transfer.quant) if part)


def transfer_text(transfer: Transfer) -> str:
    """How far a download is, how fast, how long still; or why it is not moving."""
    if transfer.state is TransferState.VERIFYING:
        return translate("texts", "Checking what arrived")
    if transfer.state is TransferState.FAILED and transfer.notice is not None:
        return notice_words(transfer.notice).happened
    parts = [progress_text(transfer.done_bytes, transfer.size_bytes)]
    if transfer.state is TransferState.PAUSED:
        parts.append(translate("texts", "paused"))
    elif transfer.state is TransferState.QUEUED:
        parts.append(translate("texts", "waiting"))
    elif transfer.bytes_per_second > 0:
        parts.append(translate("texts", "{size}/s").format(size=size_text(transfer.bytes_per_second)))
        if transfer.seconds_left is not None:
            left = rough_duration_text(transfer.seconds_left)
            parts.append(translate("texts", "{time} left").format(time=left))
    return SEPARATOR.join(parts)


def _timing_parts(timings: Timings) -> list[str]:
    parts = [tokens_text(timings.predicted_n)] if timings.predicted_n else []
    if timings.predicted_per_second > 0:
        speed = number_text(timings.predicted_per_second)
        parts.append(translate("texts", "{speed} tokens/s").format(speed=speed))
    if timings.prompt_ms > 0:
        first = seconds_text(timings.prompt_ms)
        parts.append(translate("texts", "first token after {time}").format(time=first))
    return parts
