"""What a scripted engine makes of a request. Pure: the same request gives the same script.

It answers by echoing the last user message word by word; one word is one token. The message steers it when it
begins with one of these words:

    /slow N TEXT    echoes TEXT with N milliseconds before every word
    /long N         answers with N words: "word1 word2 ..."
    /think TEXT     reasons ("Let me think about: TEXT") before it echoes TEXT
    /ponder TEXT    the same, and does not echo before it is told to answer now
    /hold TEXT      echoes TEXT, then waits until it is cancelled
    /hang           enters prefill and goes silent; the engine is then found hung (ENGINE_HUNG)
    /crash TEXT     echoes TEXT, then the engine dies (ENGINE_DIED); the next request starts it again
    /fail           fails with TEMPLATE_FAILED before any text
"""

from __future__ import annotations

import re
from enum import StrEnum

from app.domain.chat import Role
from app.domain.generation import StopReason
from app.domain.value import Value
from app.engine.base import GenerateRequest


class Fate(StrEnum):
    """What happens other than answering to the end."""

    ANSWER = ""
    SLOW = "/slow"
    LONG = "/long"
    THINK = "/think"
    PONDER = "/ponder"
    HOLD = "/hold"
    HANG = "/hang"
    CRASH = "/crash"
    FAIL = "/fail"


class Script(Value):
    """The words still to be said and what comes after them."""

    fate: Fate = Fate.ANSWER
    reasoning: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()
    pause_s: float = 0.0
    stop_reason: StopReason = StopReason.END


def script_for(request: GenerateRequest) -> Script:
    """Returns what is to be played. A prefix that the script would have said is not said again."""
    question = next((m.content for m in reversed(request.messages) if m.role == Role.USER), "")
    first, _, rest = question.partition(" ")
    fate = Fate(first) if first in tuple(Fate) and first else Fate.ANSWER
    number, text = _leading_number(rest) if fate in (Fate.SLOW, Fate.LONG) else (0, rest)
    if fate == Fate.LONG:
        text = " ".join(f"word{index}" for index in range(1, number + 1))
    elif fate == Fate.ANSWER:
        text = question
    thinks = fate in (Fate.THINK, Fate.PONDER) and request.thinking and not request.answer_prefix
    answer, reason = _limited(text, request)
    return Script(
        fate=fate,
        reasoning=_unsaid(f"Let me think about: {text}", request.reasoning_prefix) if thinks else (),
        answer=answer,
        pause_s=number / 1000 if fate == Fate.SLOW else 0.0,
        stop_reason=reason,
    )


def prompt_words(request: GenerateRequest) -> list[str]:
    """Returns the prompt as the script counts its tokens."""
    texts = [*(message.content for message in request.messages), request.answer_prefix]
    return [word for text in texts for word in split_words(text)]


def split_words(text: str) -> list[str]:
    """Splits into words that carry the space before them, so that joining gives the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


def _limited(text: str, request: GenerateRequest) -> tuple[tuple[str, ...], StopReason]:
    """Cuts an answer before its first stop string, then at `max_tokens`."""
    reason = StopReason.END
    places = [text.find(stop) for stop in request.sampling.stop if stop]
    found = [place for place in places if place >= 0]
    if found:
        text, reason = text[: min(found)], StopReason.STOP_STRING
    words = _unsaid(text, request.answer_prefix)
    limit = request.sampling.max_tokens
    if limit is not None and len(words) > limit:
        return words[:limit], StopReason.LENGTH
    return words, reason


def _unsaid(text: str, prefix: str) -> tuple[str, ...]:
    return tuple(split_words(text[len(prefix) :] if text.startswith(prefix) else text))


def _leading_number(text: str) -> tuple[int, str]:
    first, _, rest = text.partition(" ")
    return (int(first), rest) if first.isdecimal() else (0, text)
