"""Reasoning before the answer, split off while it streams: one state machine for each family of formats.

What is held back is only what may still become a tag, and white space around tags, which belongs to neither
side. How the text is cut into pieces makes no difference.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from app.engine.worker.reasoning.formats import Tags


class State(StrEnum):
    """Where an output begins, as the prompt left it."""

    MAYBE = "maybe"  # nothing yet: reasoning may come
    THINKING_START = "thinking-start"  # a block was opened, and nothing is in it
    THINKING = "thinking"
    ANSWER = "answer"


class Splitter(Protocol):
    """Feeds the output through and returns (content, reasoning)."""

    @property
    def is_thinking(self) -> bool:
        """Whether what comes next is not of the answer."""

    @property
    def open_tags(self) -> Tags | None:
        """The tags of the block that could be closed just here."""

    def feed(self, text: str) -> tuple[str, str]: ...

    def finish(self) -> tuple[str, str]:
        """Returns what was held back. An unclosed block stays reasoning."""


class PlainSplitter:
    """Of a model without reasoning, all is answer."""

    is_thinking = False
    open_tags = None

    def feed(self, text: str) -> tuple[str, str]:
        return text, ""

    def finish(self) -> tuple[str, str]:
        return "", ""
