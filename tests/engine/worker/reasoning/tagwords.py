"""A vocabulary in which only tags are tokens of their own; every other character is one."""

from __future__ import annotations

import re

_FIRST = 0x110000  # above every character


class TagWords:
    """`ids` are those of the tags, in order. They are control tokens unless `is_control` says no."""

    def __init__(self, *tags: str, is_control: bool = True) -> None:
        self.tags = tags
        self.ids = list(range(_FIRST, _FIRST + len(tags)))
        self.control_ids = frozenset(self.ids if is_control else ())
        longest_first = sorted(tags, key=len, reverse=True)
        self._parts = re.compile("|".join([*map(re.escape, longest_first), "(?s:.)"]))

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        parts = self._parts.findall(text) if parse_special else list(text)
        return [self.ids[self.tags.index(part)] if part in self.tags else ord(part) for part in parts]

    def piece(self, token: int) -> bytes:
        return (self.tags[token - _FIRST] if token >= _FIRST else chr(token)).encode()
