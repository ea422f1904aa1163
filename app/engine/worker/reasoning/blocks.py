"""One block of thoughts between tags, then the answer.

The block stands only at the start of the output (after white space at most), so that a tag an answer quotes
is left alone. The template may have opened it already.
"""

from __future__ import annotations

from enum import StrEnum

from app.engine.worker.reasoning.formats import Tags
from app.engine.worker.reasoning.splitter import State
from app.engine.worker.stops import partial_suffix


class _At(StrEnum):
    START = "start"  # nothing but white space yet
    THOUGHT_START = "thought-start"  # white space before the first thought is dropped
    THOUGHT = "thought"
    ANSWER_START = "answer-start"  # white space and a frame before the answer are dropped
    FRAMED = "framed"  # the answer, until its frame ends
    ANSWER = "answer"


_BEGINNINGS = {
    State.MAYBE: _At.START,
    State.THINKING_START: _At.THOUGHT_START,
    State.THINKING: _At.THOUGHT,
    State.ANSWER: _At.ANSWER,
}


class BlockSplitter:
    """`tags` are those of the block that is open, or closed, in any state but MAYBE."""

    def __init__(
        self, formats: tuple[Tags, ...], state: State = State.MAYBE, tags: Tags | None = None
    ) -> None:
        self._formats = formats
        self._tags = tags
        self._at = _BEGINNINGS[state]
        self._held = ""
        self._is_framed = False
        if self._at is _At.START and not formats:
            self._at = _At.ANSWER
        if self._at is _At.ANSWER and tags is not None and tags.answer_close:
            self._at = _At.FRAMED

    @property
    def is_thinking(self) -> bool:
        return self._at in (_At.THOUGHT_START, _At.THOUGHT)

    @property
    def open_tags(self) -> Tags | None:
        return self._tags if self.is_thinking else None

    def feed(self, text: str) -> tuple[str, str]:
        if self._at is _At.ANSWER:
            return text, ""
        self._held += text
        if self._at is _At.START:
            self._decide()
        reasoning = self._think() if self.is_thinking else ""
        return self._answer(), reasoning

    def finish(self) -> tuple[str, str]:
        held, self._held = self._held, ""
        if self._at is _At.ANSWER_START:
            return held.lstrip(), ""
        return ("", held) if self.is_thinking else (held, "")

    def _decide(self) -> None:
        begun = self._held.lstrip()
        for tags in self._formats:
            if begun.startswith(tags.open):
                self._tags, self._held, self._at = tags, begun[len(tags.open) :], _At.THOUGHT_START
                return
            if tags.answer_open and begun.startswith(tags.answer_open):
                self._tags, self._held, self._at = tags, begun, _At.ANSWER_START
                return
        beginnings = [tag for tags in self._formats for tag in (tags.open, tags.answer_open) if tag]
        if not any(tag.startswith(begun) for tag in beginnings):
            self._at = _At.ANSWER

    def _think(self) -> str:
        assert self._tags is not None
        close = self._tags.close
        if self._at is _At.THOUGHT_START:
            self._held = self._held.lstrip()
        text = self._held
        at = text.find(close)
        if at >= 0:
            self._at = _At.ANSWER_START
            self._held = text[at + len(close) :]
            return text[:at].rstrip()
        certain = text[: len(text) - partial_suffix(text, close)].rstrip()
        if certain:
            self._at = _At.THOUGHT
        self._held = text[len(certain) :]
        return certain

    def _answer(self) -> str:
        if self._at is _At.ANSWER_START:
            self._enter_answer()
        if self._at is _At.FRAMED:
            return self._framed()
        if self._at is not _At.ANSWER:
            return ""
        held, self._held = self._held, ""
        return held

    def _enter_answer(self) -> None:
        assert self._tags is not None
        frame = self._tags.answer_open
        self._held = self._held.lstrip()
        if frame and not self._is_framed:
            if frame.startswith(self._held):
                self._is_framed = frame == self._held
                self._held = "" if self._is_framed else self._held
                return
            if self._held.startswith(frame):
                self._is_framed = True
                self._held = self._held[len(frame) :].lstrip()
        if self._held:
            ends = self._is_framed and self._tags.answer_close
            self._at = _At.FRAMED if ends else _At.ANSWER

    def _framed(self) -> str:
        assert self._tags is not None
        close, text = self._tags.answer_close, self._held
        at = text.find(close)
        if at >= 0:
            self._at, self._held = _At.ANSWER, ""
            return text[:at].rstrip() + text[at + len(close) :]
        certain = text[: len(text) - partial_suffix(text, close)].rstrip()
        self._held = text[len(certain) :]
        return certain
