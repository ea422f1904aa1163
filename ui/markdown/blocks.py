"""Growing markdown as closed blocks and an open tail.

Promises: what is closed never changes, whatever follows; at the end all leaves are those of the text parsed
in one go, however it was cut into pieces. The tail is parsed anew each time it is asked for, so it is kept
short: single items of a list are closed as the next one begins, and an open fence is not parsed at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ui.markdown.leaves import Code, Leaf
from ui.markdown.parsing import Unit, block_tokens, units
from ui.markdown.provisional import is_held, provisional

_FENCE = re.compile(r"(`{3,}|~{3,})")
# Closed by their own last line, or by an empty one. All else is closed by what begins after it.
_BY_THEMSELVES = ("heading_open", "hr")
_BY_EMPTY_LINE = ("paragraph_open", "table_open", "blockquote_open")


@dataclass(slots=True)
class _Fence:
    """The fence that the open part begins with; not indented."""

    closing: re.Pattern[str]
    language: str
    begin: int  # of its text
    scanned: int  # where to go on looking for its end


class Blocks:
    """`closed` only grows. After `finish` there is no tail and nothing can be fed."""

    def __init__(self) -> None:
        self.closed: list[Leaf] = []
        self._open = ""
        self._carriage_return = False  # whether the text ended with one: half of a line's end, perhaps
        self._number: int | None = None  # of the item that the open part begins with
        self._fence: _Fence | None = None

    def feed(self, text: str) -> None:
        if self._carriage_return:
            text = "\r" + text
        self._carriage_return = text.endswith("\r")
        text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        self._open += text
        if "\n" in text:
            self._advance()

    def finish(self) -> None:
        if self._carriage_return or (self._open and not self._open.endswith("\n")):
            self.feed("\n")  # the last line is complete; it may end a fence
        if self._fence is None:
            self._close_all(self._units(self._open))
        else:
            self.closed.append(self._code(self._fence, len(self._open)))
        self._open, self._fence, self._number = "", None, None

    def tail(self) -> list[Leaf]:
        """Returns how the open part looks for now: markup that has only half arrived is not shown as text."""
        if self._fence is not None:
            return [self._code(self._fence, self._shown_end())]
        source = provisional(self._open)
        return [leaf for unit in self._units(source) for leaf in unit.leaves()]

    def _advance(self) -> None:
        """Closes what can be closed, judging by complete lines alone."""
        while (complete := self._open.rfind("\n") + 1) and self._advance_once(complete):
            pass

    def _advance_once(self, complete: int) -> bool:
        """Returns whether there may be more to close."""
        if self._fence is not None:
            return self._leave_fence(self._fence, complete)
        source = self._open[:complete]
        found = self._units(source)
        if not found:
            self._open = self._open[complete:]
            return False
        last = found[-1]
        if _is_closed(last, source):
            self._close_all(found)
            self._cut(complete)
            return False
        self._close_all(found[:-1])
        self._cut(_offset(source, last.line))
        self._number = last.number
        return self._enter_fence(last)

    def _enter_fence(self, unit: Unit) -> bool:
        opening = _FENCE.match(self._open) if unit.kind == "fence" else None
        if opening is None:
            return False
        words = unit.tokens[0].info.split()
        begin = self._open.index("\n") + 1
        closing = re.compile(rf"^ {{0,3}}{opening[1][0]}{{{len(opening[1])},}}[ \t]*$", re.MULTILINE)
        self._fence = _Fence(closing, words[0] if words else "", begin, begin)
        return True

    def _leave_fence(self, fence: _Fence, complete: int) -> bool:
        end = fence.closing.search(self._open, fence.scanned, complete)
        if end is None or end.end() >= complete:
            fence.scanned = complete
            return False
        self.closed.append(self._code(fence, end.start()))
        self._cut(end.end() + 1)
        self._fence = None
        return True

    def _code(self, fence: _Fence, end: int) -> Code:
        return Code(self._open[fence.begin : end].removesuffix("\n").replace("\0", "\ufffd"), fence.language)

    def _shown_end(self) -> int:
        """Hides the beginning of a closing fence."""
        partial = self._open.rfind("\n") + 1
        return partial if is_held(self._open[partial:], "`~") else len(self._open)

    def _units(self, source: str) -> list[Unit]:
        return list(units(block_tokens(source), self._number))

    def _close_all(self, found: list[Unit]) -> None:
        for unit in found:
            self.closed += unit.leaves()

    def _cut(self, offset: int) -> None:
        self._open = self._open[offset:]
        self._number = None


def leaves_of(text: str) -> list[Leaf]:
    """Parses a whole text."""
    blocks = Blocks()
    blocks.feed(text)
    blocks.finish()
    return blocks.closed


def _is_closed(unit: Unit, source: str) -> bool:
    if unit.is_item:
        return False
    last_line = source[source.rfind("\n", 0, -1) + 1 :]
    return unit.kind in _BY_THEMSELVES or (unit.kind in _BY_EMPTY_LINE and not last_line.strip(" \t\n"))


def _offset(source: str, line: int) -> int:
    """Returns where a line begins."""
    offset = 0
    for _ in range(line):
        offset = source.index("\n", offset) + 1
    return offset
