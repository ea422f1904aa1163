"""What markdown comes down to on a page: lines of text, pieces of code, tables; each with its place.

Values without colours or sizes, compared to find out what changed. Knows neither markdown-it nor widgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

LIST, QUOTE = "l", "q"  # steps of a place, from outside in
LINE_BREAK = "\u2028"


class Style(IntFlag):
    PLAIN = 0
    BOLD = 1
    ITALIC = 2
    STRIKE = 4
    CODE = 8
    IMAGE = 16  # text: what it shows; link: where it is


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one style. `link` is http, https or mailto; that of an image may be anything."""

    text: str
    style: Style = Style.PLAIN
    link: str = ""


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph, a heading (`level` 1 to 6) or a rule; `marker` is what a list puts before it."""

    runs: Runs = ()
    place: str = ""
    marker: str = ""
    level: int = 0
    is_rule: bool = False

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    language: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """All rows are as long as `aligns` ("left", "right", "center" or ""); the first is the head."""

    rows: tuple[tuple[Runs, ...], ...]
    aligns: tuple[str, ...]
    place: str = ""


Leaf = Line | Code | Table


def merged(runs: Sequence[Run]) -> Runs:
    """Joins neighbours of one style and drops what is empty."""
    found: list[Run] = []
    for run in runs:
        last = found[-1] if found else None
        is_image = bool(run.style & Style.IMAGE)
        if last is not None and (last.style, last.link) == (run.style, run.link) and not is_image:
            found[-1] = Run(last.text + run.text, run.style, run.link)
        elif run.text or is_image:
            found.append(run)
    return tuple(found)


def same_count(before: Sequence[object], after: Sequence[object], start: int = 0) -> int:
    """Returns how many of the first members are equal, knowing that `start` of them are."""
    index = start
    for old, new in zip(before[start:], after[start:], strict=False):
        if old is not new and old != new:
            break
        index += 1
    return index
