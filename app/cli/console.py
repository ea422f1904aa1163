"""What the command line writes: results to stdout, progress and remarks to stderr, and only to a terminal
what only a terminal can show."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from app.domain.value import to_json

_CLEAR = "\r\x1b[K"
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_GAP = "  "


class Console:
    """Writes to the given streams; knows nothing of what is said."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._has_status = False
        for stream in (self._out, self._err):
            # An answer may hold what the terminal's encoding does not; showing a mark beats ending.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")

    @property
    def shows_progress(self) -> bool:
        return self._err.isatty()

    def write(self, text: str) -> None:
        """Writes a piece of a result and shows it at once."""
        self.clear_status()
        self._out.write(text)
        self._out.flush()

    def line(self, text: str = "") -> None:
        self.write(f"{text}\n")

    def json(self, value: object) -> None:
        self.line(to_json(value).decode())

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Writes rows under their heads, each column as wide as its widest entry."""
        lines = [tuple(head), *(tuple(row) for row in rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.line(_GAP.join(cells).rstrip())

    def remark(self, text: str) -> None:
        """Says something that is not the result."""
        self.clear_status()
        self._err.write(f"{text}\n")
        self._err.flush()

    def whisper(self, text: str) -> None:
        """Shows a piece of text dimmed, on a terminal only."""
        if self.shows_progress:
            self.clear_status()
            self._err.write(f"{_DIM}{text}{_PLAIN}")
            self._err.flush()

    def status(self, text: str) -> None:
        """Shows how far something is, in place, on a terminal only."""
        if self.shows_progress:
            self._err.write(f"{_CLEAR}{text}")
            self._err.flush()
            self._has_status = True

    def clear_status(self) -> None:
        if self._has_status:
            self._err.write(_CLEAR)
            self._err.flush()
            self._has_status = False
