"""Tags that are tokens: recognised by their id, whatever text may spell them.

A token of a tag stands in the output as one character that no text can hold (half of a surrogate pair), so
that the same state machine reads tags of both kinds, and text that merely spells a tag is not one.
"""

from __future__ import annotations

import re
from typing import Protocol

import msgspec

from app.engine.worker.reasoning.formats import Tags

_FIRST = 0xDC80
_MARK = re.compile("[\udc80-\udcff]")
_TAG = re.compile(r"[<\[◁].+[>\]▷]", re.DOTALL)
# What ends or begins a message in channels, beside the tags themselves.
FRAME = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|call|>", "<|return|>")


class Vocabulary(Protocol):
    """The part of `vocabulary.Vocabulary` that is needed here."""

    control_ids: frozenset[int]

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]: ...

    def piece(self, token: int) -> bytes: ...


class Marks:
    """The marks of one model's tags."""

    def __init__(self, vocabulary: Vocabulary, formats: tuple[Tags, ...]) -> None:
        self.of_token: dict[int, str] = {}
        self._spellings: dict[str, str] = {}  # mark to spelling
        self._shown: dict[str, str] = {}  # the same; "" for control tokens, which people never see
        for tags in formats:
            frame = FRAME if tags.sign == "<|channel|>" else ()
            for tag in (tags.open, tags.close, tags.answer_open, tags.answer_close, *frame):
                self._note(vocabulary, tag)
        self._marks = {spelling: mark for mark, spelling in self._spellings.items()}
        longest_first = sorted(self._marks, key=len, reverse=True)
        self._spelled = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def marked(self, text: str) -> str:
        """Returns what a tag looks like in the output."""
        return self._spelled.sub(lambda found: self._marks[found[0]], text)

    def spelled(self, text: str) -> str:
        """Returns a tag as a template writes it."""
        return _MARK.sub(lambda found: self._spellings[found[0]], text)

    def shown(self, text: str) -> str:
        """Returns text for people: what is left of marks are tokens that steer nothing here."""
        return _MARK.sub(lambda found: self._shown[found[0]], text)

    def marked_tags(self, tags: Tags) -> Tags:
        fields = {
            name: self.marked(getattr(tags, name))
            for name in ("open", "close", "answer_open", "answer_close")
        }
        return msgspec.structs.replace(tags, **fields)

    def _note(self, vocabulary: Vocabulary, tag: str) -> None:
        for token in vocabulary.tokenize(tag, parse_special=True) if tag else ():
            spelling = vocabulary.piece(token).decode("utf-8", "replace")
            is_control = token in vocabulary.control_ids
            if token in self.of_token or not (is_control or _TAG.fullmatch(spelling)):
                continue
            mark = chr(_FIRST + len(self.of_token))
            self.of_token[token] = mark
            self._spellings[mark] = spelling
            self._shown[mark] = "" if is_control else spelling
