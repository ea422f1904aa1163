"""Messages in channels, as gpt-oss writes them: a header says what each one is.

`<|channel|>analysis<|message|>` is reasoning, `final` the answer, `commentary` what is said to a person on
the way (answer) or to a tool (not for people: it goes with the reasoning). Text without a header is answer.
"""

from __future__ import annotations

import re
from enum import StrEnum

from app.engine.worker.reasoning.formats import Tags
from app.engine.worker.reasoning.marks import FRAME, Marks
from app.engine.worker.reasoning.splitter import State
from app.engine.worker.stops import partial_suffix

HEADER_CHARACTERS = 400  # a longer header is none
_CHANNEL = re.compile(r"\s*(\w+)")
_BETWEEN_MESSAGES = "\n\n"


class _At(StrEnum):
    START = "start"
    HEADER = "header"
    BODY = "body"
    BETWEEN = "between"


class ChannelSplitter:
    """`tags` are the marked ones of the format."""

    def __init__(self, tags: Tags, marks: Marks, state: State = State.MAYBE) -> None:
        start, end, message, channel, _constrain, call, returned = (marks.marked(tag) for tag in FRAME)
        self._tags = tags
        self._message, self._channel = message, channel
        self._beginnings = (channel, start, message)
        self._ends = (end, call, returned, start, channel)
        self._at = _At.START if state is State.MAYBE else _At.BODY
        self._is_reasoning = state is not State.ANSWER
        self._has = {True: False, False: False}  # whether a message of this side has text already
        self._needs_gap = False
        self._held = ""

    @property
    def is_thinking(self) -> bool:
        return self._at is not _At.BODY or self._is_reasoning

    @property
    def open_tags(self) -> Tags | None:
        return self._tags if self._at is _At.BODY and self._is_reasoning else None

    def feed(self, text: str) -> tuple[str, str]:
        self._held += text
        sides = {True: "", False: ""}
        while (step := self._step()) is not None:
            side, said = step
            sides[side] += self._gapped(side, said)
        return sides[False], sides[True]

    def finish(self) -> tuple[str, str]:
        held, self._held = self._held, ""
        if self._at is not _At.BODY:
            return "", ""
        text = self._gapped(self._is_reasoning, held)
        return ("", text) if self._is_reasoning else (text, "")

    def _step(self) -> tuple[bool, str] | None:
        """Goes one state on; None when more text is needed. Returns which side said what."""
        if self._at is _At.START:
            return self._begin()
        if self._at is _At.HEADER:
            return self._read_header()
        return self._read_body() if self._at is _At.BODY else self._skip()

    def _begin(self) -> tuple[bool, str] | None:
        begun = self._held.lstrip()
        if begun.startswith(self._beginnings):
            self._at, self._held = _At.HEADER, begun
        elif any(tag.startswith(begun) for tag in self._beginnings):
            return None
        else:
            self._enter(is_reasoning=False)
        return False, ""

    def _read_header(self) -> tuple[bool, str] | None:
        longest = HEADER_CHARACTERS + len(self._message)
        at = self._held.find(self._message, 0, longest)
        if at < 0:
            return None if len(self._held) < longest else self._take_for_text()
        header, self._held = self._held[:at], self._held[at + len(self._message) :]
        name = _CHANNEL.match(header.rpartition(self._channel)[2]) if self._channel in header else None
        is_analysis = name is not None and name[1] == "analysis"
        self._enter(is_reasoning=is_analysis or " to=" in header)
        return False, ""

    def _take_for_text(self) -> tuple[bool, str]:
        """What only began like a header is answer."""
        tag = next(tag for tag in self._beginnings if self._held.startswith(tag))
        self._held = self._held[len(tag) :]
        self._enter(is_reasoning=False)
        return False, ""

    def _read_body(self) -> tuple[bool, str] | None:
        text = self._held
        ends = [at for tag in self._ends if (at := text.find(tag)) >= 0]
        if ends:
            at = min(ends)
            self._at, self._held = _At.BETWEEN, text[at:]
            return self._is_reasoning, text[:at]
        kept = len(text) - max(partial_suffix(text, tag) for tag in self._ends)
        self._held = text[kept:]
        return (self._is_reasoning, text[:kept]) if kept else None

    def _skip(self) -> tuple[bool, str] | None:
        """Finds the next header. What stands between two messages is not for people."""
        begins = [at for tag in self._beginnings if (at := self._held.find(tag)) >= 0]
        if not begins:
            kept = max(partial_suffix(self._held, tag) for tag in self._beginnings)
            self._held = self._held[len(self._held) - kept :]
            return None
        self._at, self._held = _At.HEADER, self._held[min(begins) :]
        return False, ""

    def _enter(self, *, is_reasoning: bool) -> None:
        self._at, self._is_reasoning = _At.BODY, is_reasoning
        self._needs_gap = self._has[is_reasoning]

    def _gapped(self, side: bool, text: str) -> str:
        if not text:
            return ""
        gap = _BETWEEN_MESSAGES if self._needs_gap else ""
        self._needs_gap = False
        self._has[side] = True
        return gap + text
