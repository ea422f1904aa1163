"""How an unfinished end of markdown is shown, so that nothing jumps when the rest of it comes.

Markup that has only begun is held back; emphasis, code and links that are open are shown as if closed; the
head of a table is one before the line under it has come. A guess at looks only: nothing here is kept.
"""

from __future__ import annotations

import re

_LONGEST_HELD = 48
_HELD_MARKUP = re.compile(r"[ \t>]*[-+*_=#`~|: \t]*")
_HELD_ITEM = re.compile(r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*(?:\d{1,9}[.)]?|\[[ xX]?\]?)?[ \t]*")
_BLOCK_START = re.compile(r"^[ \t>]*(?:\n|[-+*][ \t]|\d{1,9}[.)][ \t]|#|\|)", re.MULTILINE)
_FENCE = re.compile(r"^[ \t>]*(?:[-+*][ \t]+|\d+[.)][ \t]+)*(?:```|~~~)", re.MULTILINE)
_ROW = re.compile(r"[ \t]{0,3}\|")
_PIPE = re.compile(r"(?<!\\)\|")
_OPEN_LINK = re.compile(r"\]\([^()\s]*$")
_NOT_IN_WORDS = ("*", "_", "__", "___")  # `2*3` is more likely than emphasis inside of a word
_LOOSE_END = re.compile(r"(?:\\|!?\[|[*_~`]+)$")
_DELIMITER = re.compile(r"\\.|`+|\*+|_+|~~", re.DOTALL)


def is_held(line: str, markup: str) -> bool:
    """Says whether an incomplete line is nothing but these characters."""
    return not line.strip(" ").strip(markup) and len(line) <= _LONGEST_HELD


def provisional(source: str) -> str:
    """Returns what to parse instead of an open end."""
    begin = source.rfind("\n") + 1
    line = source[begin:]
    if len(line) <= _LONGEST_HELD and (_HELD_MARKUP.fullmatch(line) or _HELD_ITEM.fullmatch(line)):
        source = source[:begin].removesuffix("\n")
    if not _is_text(source):
        return source
    source = _with_end_completed(source)
    return source + _delimiter_row(source)


def _with_end_completed(source: str) -> str:
    """Emphasis may span the lines of a paragraph, but not what begins a block."""
    begin = max((found.start() for found in _BLOCK_START.finditer(source)), default=0)
    return source[:begin] + completed(source[begin:])


def completed(text: str) -> str:
    """Closes what is open in the text of a paragraph: `**bo` becomes `**bo**`."""
    text = _LOOSE_END.sub("", text)
    if _OPEN_LINK.search(text):
        text += ")"
    stack: list[str] = []
    place = 0
    while found := _DELIMITER.search(text, place):
        mark, place = found[0], found.end()
        if mark[0] == "`":
            end = re.compile(rf"(?<!`){mark}(?!`)").search(text, place)
            if end is None:
                return text + mark
            place = end.end()
        elif mark[0] != "\\":
            _note(stack, mark, text[: found.start()][-1:], text[place : place + 1])
    return text.rstrip() + "".join(reversed(stack)) if stack else text


def _note(stack: list[str], mark: str, before: str, after: str) -> None:
    """Takes a run of marks as a closing or an opening one, by what is around it."""
    if mark in stack:
        if before and not before.isspace():
            del stack[stack.index(mark) :]
    elif after and not after.isspace() and not (before.isalnum() and mark in _NOT_IN_WORDS):
        stack.append(mark)


def _is_text(source: str) -> bool:
    """Says whether the end is text, not code: whether all fences before it are closed."""
    return len(_FENCE.findall(source)) % 2 == 0


def _delimiter_row(source: str) -> str:
    """Makes a line that begins with a pipe the head of a table."""
    before, _, line = source.rstrip("\n").rpartition("\n")
    if not _ROW.match(line) or _ROW.match(before[before.rfind("\n") + 1 :]):
        return ""
    cells = _PIPE.split(line.strip())[1:]
    if cells and not cells[-1].strip():
        cells.pop()
    return ("" if source.endswith("\n") else "\n") + "|---" * len(cells) + "|" if cells else ""
