"""Markdown to leaves, through markdown-it's tokens.

CommonMark with tables and strike-through. Not: raw HTML (shown as it is written) and reference definitions
(`[1]: https://...`), because a line that comes last would change what is on the page long since. Single line
breaks are kept, as models mean them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ui.markdown.leaves import LINE_BREAK, LIST, QUOTE, Code, Leaf, Line, Run, Runs, Style, Table, merged

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

BULLETS = ("•", "◦", "▪")
TASKS = {"[ ] ": "☐", "[x] ": "☑", "[X] ": "☑"}
# In a paragraph. Looking for the ends of links costs the square of it: 2.6 s for 10,000.
MOST_BRACKETS = 500
SCHEMES = ("http://", "https://", "mailto:")
_LISTS = ("bullet_list_open", "ordered_list_open")
_STYLES = {"strong": Style.BOLD, "em": Style.ITALIC, "s": Style.STRIKE}
_BARE_LINK = re.compile(r"https?://[!#-&(-;=?-_a-~]+")
_NOT_ITS_END = ".,;:!?*_~|]}"
_BLOCK_ENDS = {0x0A: " ", 0x0D: " ", 0x2029: LINE_BREAK, 0xFDD0: "\ufffd", 0xFDD1: "\ufffd"}
_ALIGN = re.compile(r"text-align:(\w+)")


@functools.cache
def markdown() -> MarkdownIt:
    # Not at the top: it takes 30 to 60 ms, which the window's start has no use for.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 100})
    return parser.enable(["table", "strikethrough"]).disable(["html_block", "html_inline", "reference"])


def block_tokens(source: str) -> list[Token]:
    """Returns the tokens without what is inside of lines: `Unit.leaves` looks into those it is asked for."""
    parser = markdown()
    tokens: list[Token] = []
    parser.block.parse(source.replace("\0", "\ufffd"), parser, {}, tokens)
    return tokens


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest thing that is closed as one: a block, or one item of a list with its number, if any."""

    kind: str  # type of the first token
    tokens: Sequence[Token]
    is_item: bool = False
    number: int | None = None

    @property
    def line(self) -> int:
        lines = self.tokens[0].map
        assert lines is not None
        return lines[0]

    def leaves(self) -> list[Leaf]:
        walk = _Walk()
        if self.is_item:
            walk.numbers.append(self.number)
        for token in self.tokens:
            walk.take(token)
        return walk.found


def units(tokens: Sequence[Token], number: int | None = None) -> Iterator[Unit]:
    """`number` is that of the first unit, should it be an item in the middle of a numbered list."""
    index = 0
    while index < len(tokens):
        end = _end(tokens, index)
        if tokens[index].type in _LISTS:
            yield from _items(tokens[index:end], number)
        else:
            yield Unit(tokens[index].type, tokens[index:end])
        index, number = end, None


def _items(tokens: Sequence[Token], number: int | None) -> Iterator[Unit]:
    if tokens[0].type == "ordered_list_open":
        number = _start(tokens[0]) if number is None else number
    else:
        number = None
    index = 1
    while index < len(tokens) - 1:
        end = _end(tokens, index)
        yield Unit(tokens[index].type, tokens[index:end], is_item=True, number=number)
        index, number = end, None if number is None else number + 1


def _end(tokens: Sequence[Token], index: int) -> int:
    """Returns the index after the token that closes the one at `index`."""
    depth = 0
    for end in range(index, len(tokens)):
        depth += tokens[end].nesting
        if depth == 0:
            return end + 1
    return len(tokens)


def _start(token: Token) -> int:
    start = token.attrGet("start")
    return 1 if start is None else int(start)


@dataclass(slots=True)
class _Walk:
    """Goes through the tokens of one unit and gathers leaves."""

    found: list[Leaf] = field(default_factory=list)
    place: str = ""
    numbers: list[int | None] = field(default_factory=list)  # next number of each list around; None: bullets
    marker: str = ""  # of the item that has begun, until its first line
    level: int = 0
    rows: list[list[Runs]] | None = None
    aligns: list[str] = field(default_factory=list)

    def take(self, token: Token) -> None:
        handle = getattr(self, f"_{token.type}", None)
        if handle is not None:
            handle(token)

    def _bullet_list_open(self, token: Token) -> None:
        self._put_marker()
        self.numbers.append(None)

    def _ordered_list_open(self, token: Token) -> None:
        self._put_marker()
        self.numbers.append(_start(token))

    def _bullet_list_close(self, token: Token) -> None:
        self.numbers.pop()

    _ordered_list_close = _bullet_list_close

    def _list_item_open(self, token: Token) -> None:
        number = self.numbers[-1]
        if number is None:
            self.marker = BULLETS[min(self.place.count(LIST), len(BULLETS) - 1)]
        else:
            self.marker, self.numbers[-1] = f"{number}.", number + 1
        self.place += LIST

    def _list_item_close(self, token: Token) -> None:
        self._put_marker()
        self.place = self.place[:-1]

    def _blockquote_open(self, token: Token) -> None:
        self._put_marker()
        self.place += QUOTE

    def _blockquote_close(self, token: Token) -> None:
        self.place = self.place[:-1]

    def _heading_open(self, token: Token) -> None:
        self.level = int(token.tag[1])

    def _heading_close(self, token: Token) -> None:
        self.level = 0

    def _inline(self, token: Token) -> None:
        runs = inline_runs(token.content)
        if self.rows is not None:
            self.rows[-1].append(runs)
            return
        if self.marker and runs and not self.level and (box := TASKS.get(runs[0].text[:4])):
            self.marker = box
            runs = merged((Run(runs[0].text[4:], runs[0].style, runs[0].link), *runs[1:]))
        self.found.append(Line(runs, self.place, self.marker, self.level))
        self.marker = ""

    def _hr(self, token: Token) -> None:
        self._put_marker()
        self.found.append(Line(place=self.place, is_rule=True))

    def _fence(self, token: Token) -> None:
        self._put_marker()
        words = token.info.split()
        self.found.append(Code(token.content.removesuffix("\n"), words[0] if words else "", self.place))

    _code_block = _fence

    def _table_open(self, token: Token) -> None:
        self._put_marker()
        self.rows, self.aligns = [], []

    def _tr_open(self, token: Token) -> None:
        assert self.rows is not None
        self.rows.append([])

    def _th_open(self, token: Token) -> None:
        found = _ALIGN.search(str(token.attrGet("style") or ""))
        self.aligns.append(found[1] if found else "")

    def _table_close(self, token: Token) -> None:
        rows = tuple(tuple(row) for row in self.rows or ())
        self.found.append(Table(rows, tuple(self.aligns), self.place))
        self.rows = None

    def _put_marker(self) -> None:
        """An item that begins with something else than text has its marker on a line of its own."""
        if self.marker:
            self.found.append(Line(place=self.place, marker=self.marker))
            self.marker = ""


@functools.lru_cache(maxsize=512)  # of an open table, all cells but the last are what they were
def inline_runs(content: str) -> Runs:
    """Returns the runs of one paragraph's or cell's text."""
    if content.count("[") > MOST_BRACKETS:
        return merged([Run(content.replace("\n", LINE_BREAK).translate(_BLOCK_ENDS))])
    parser = markdown()
    tokens: list[Token] = []
    parser.inline.parse(content, parser, {}, tokens)
    runs: list[Run] = []
    styles: list[Style] = [Style.PLAIN]
    link = ""
    for token in tokens:
        name = token.type.rpartition("_")[0]
        if name in _STYLES:
            if token.nesting > 0:
                styles.append(styles[-1] | _STYLES[name])
            else:
                styles.pop()
        elif name == "link":
            href = str(token.attrGet("href") or "") if token.nesting > 0 else ""
            link = href if href.lower().startswith(SCHEMES) else ""
        else:
            runs += _runs_of(token, styles[-1], link)
    return merged(runs)


def _runs_of(token: Token, style: Style, link: str) -> Iterator[Run]:
    if token.type in ("softbreak", "hardbreak"):
        yield Run(LINE_BREAK, style, link)
    elif token.type == "code_inline":
        yield Run(_on_one_line(token.content), style | Style.CODE, link)
    elif token.type == "image":
        yield Run(_on_one_line(token.content), style | Style.IMAGE, str(token.attrGet("src") or ""))
    elif link or token.type != "text":
        yield Run(_on_one_line(token.content), style, link)
    else:
        yield from _with_bare_links(_on_one_line(token.content), style)


def _on_one_line(text: str) -> str:
    """A line is one block of a document: what Qt would take for the end of one is replaced."""
    return text if text.isascii() and "\n" not in text else text.translate(_BLOCK_ENDS)


def _with_bare_links(text: str, style: Style) -> Iterator[Run]:
    place = 0
    for found in _BARE_LINK.finditer(text):
        url = found[0].rstrip(_NOT_ITS_END)
        if url.endswith(")") and "(" not in url:
            url = url.rstrip(")" + _NOT_ITS_END)
        if len(url) <= len("https://"):
            continue
        yield Run(text[place : found.start()], style)
        yield Run(url, style, url)
        place = found.start() + len(url)
    yield Run(text[place:], style)
