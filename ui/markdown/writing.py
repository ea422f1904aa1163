"""How runs are put into a document: markers and images in words, and positions as Qt counts them."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QTextCursor

from ui.markdown.ink import MARKER_GAP, Ink
from ui.markdown.leaves import Line, Run, Style

translate = QCoreApplication.translate


def shown_runs(line: Line) -> list[Run]:
    """The runs of a line with what is written for its marker and for images."""
    runs = [_placeholder(run) if run.style & Style.IMAGE else run for run in line.runs]
    return [Run(line.marker + MARKER_GAP), *runs] if line.marker else runs


def insert_line(cursor: QTextCursor, line: Line, ink: Ink, skipped: int = 0) -> None:
    """Inserts what comes after the first `skipped` units of UTF-16."""
    for place, run in enumerate(shown_runs(line)):
        length = utf16_length(run.text)
        if skipped < length:
            is_marker = bool(line.marker) and place == 0
            form = ink.marker_format() if is_marker else ink.char_format(run, line)
            cursor.insertText(_after_utf16(run.text, skipped), form)
        skipped = max(0, skipped - length)


def utf16_length(text: str) -> int:
    """Returns how long a text is for Qt."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _after_utf16(text: str, units: int) -> str:
    if not units:
        return text
    return text.encode("utf-16-le", "surrogatepass")[2 * units :].decode("utf-16-le", "surrogatepass")


def _placeholder(run: Run) -> Run:
    """Nothing is loaded from elsewhere; what would be, and from where, is said. A click opens it."""
    host = _host(run.link)
    said = translate("markdown", "[Image: {what}]") if run.text else translate("markdown", "[Image]")
    text = said.format(what=run.text)
    is_web = run.link.lower().startswith(("http://", "https://"))
    return Run(f"{text} ({host})" if host else text, run.style, run.link if is_web else "")


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def common_runs(before: Sequence[Run], after: Sequence[Run]) -> int:
    """Returns how much two lines begin with alike, in units of UTF-16."""
    length = 0
    for old, new in zip(before, after, strict=False):
        if old == new:
            length += utf16_length(new.text)
            continue
        if (old.style, old.link) == (new.style, new.link):
            length += utf16_length(new.text[: common_length(old.text, new.text)])
        break
    return length


def common_length(old: str, new: str) -> int:
    if new.startswith(old):
        return len(old)
    pairs = zip(old, new, strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))
