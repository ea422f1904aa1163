"""Reasoning before the answer, split off while it streams.

A reasoning block stands only at the start of the output (after white space at most), so that a tag an
answer quotes is left alone. The template may have opened the block already; a block that is never closed
stays reasoning to the end. Other families of tags are one more row in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from app.domain.value import Value
from app.engine.worker.stops import partial_suffix


class Tags(Value):
    """How one family of models marks its reasoning."""

    open: str
    close: str


FORMATS = (
    Tags(open="<think>", close="</think>"),
    Tags(open="[THINK]", close="[/THINK]"),
    Tags(open="<seed:think>", close="</seed:think>"),
    Tags(open="<|channel>thought", close="<channel|>"),
    Tags(open="<|START_THINKING|>", close="<|END_THINKING|>"),
)
_SWITCHES = ("enable_thinking", "reasoning_effort")


class State(StrEnum):
    MAYBE = "maybe"  # nothing but white space yet: a block may open
    THINKING_START = "thinking-start"
    THINKING = "thinking"
    ANSWER_START = "answer-start"  # the block was closed; white space before the answer is dropped
    ANSWER = "answer"


def formats_for(template: str, is_token: Callable[[str], bool]) -> tuple[Tags, ...]:
    """Returns the formats a model may use: its template speaks of them, or its vocabulary has the tag."""
    return tuple(
        tags for tags in FORMATS if tags.open in template or tags.close in template or is_token(tags.open)
    )


def can_think(template: str) -> bool:
    """Whether a template knows of reasoning at all."""
    return any(tags.open in template or tags.close in template for tags in FORMATS) or any(
        switch in template for switch in _SWITCHES
    )


def opened_by(generation_prompt: str, formats: tuple[Tags, ...]) -> Tags | None:
    """Returns the tags whose block the generation prompt opens and leaves open."""
    for tags in formats:
        if generation_prompt.rfind(tags.open) > generation_prompt.rfind(tags.close):
            return tags
    return None


class ReasoningSplitter:
    """Feeds the output through and returns what is answer and what is reasoning.

    `tags` are those of the open block when `state` is a thinking one. Holds back only what may be a tag,
    and white space around tags, which belongs to neither side.
    """

    def __init__(
        self, formats: tuple[Tags, ...], state: State = State.MAYBE, tags: Tags | None = None
    ) -> None:
        self._formats = formats
        self._state = state if formats or tags else State.ANSWER
        self._tags = tags
        self._held = ""

    @property
    def is_thinking(self) -> bool:
        return self._state in {State.THINKING, State.THINKING_START}

    def feed(self, text: str) -> tuple[str, str]:
        """Returns (content, reasoning)."""
        if self._state is State.ANSWER:
            return text, ""
        self._held += text
        reasoning = ""
        if self._state is State.MAYBE and not self._decide():
            return "", ""
        if self.is_thinking:
            reasoning = self._think()
        return self._answer(), reasoning

    def finish(self) -> tuple[str, str]:
        """Returns what was held back. An unclosed block stays reasoning."""
        held, self._held = self._held, ""
        if self._state is State.ANSWER_START:
            return "", ""
        return ("", held) if self.is_thinking else (held, "")

    def _decide(self) -> bool:
        begun = self._held.lstrip()
        for tags in self._formats:
            if begun.startswith(tags.open):
                self._tags = tags
                self._held = begun[len(tags.open) :]
                self._state = State.THINKING_START
                return True
        if any(tags.open.startswith(begun) for tags in self._formats):
            return False
        self._state = State.ANSWER
        return True

    def _think(self) -> str:
        assert self._tags is not None
        close = self._tags.close
        if self._state is State.THINKING_START:
            self._held = self._held.lstrip()
        text = self._held
        at = text.find(close)
        if at >= 0:
            self._state = State.ANSWER_START
            self._held = text[at + len(close) :]
            return text[:at].rstrip()
        certain = text[: len(text) - partial_suffix(text, close)].rstrip()
        if certain:
            self._state = State.THINKING
        self._held = text[len(certain) :]
        return certain

    def _answer(self) -> str:
        if self._state is State.ANSWER_START:
            self._held = self._held.lstrip()
            if self._held:
                self._state = State.ANSWER
        if self._state is not State.ANSWER:
            return ""
        held, self._held = self._held, ""
        return held
