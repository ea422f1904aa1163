"""What llama.cpp says while it works: kept in a short memory for diagnosis, warnings passed on to our log.

Knows nothing of what the lines mean; `loadfaults` reads them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger("llama")

_KEPT_LINES = 400
_CONTINUED = 5
# ggml's levels (the comments in the Python bindings number them differently; ggml.h is right).
_LEVELS = {0: logging.INFO, 1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING, 4: logging.ERROR}


class NativeLog:
    """Receives llama.cpp's log. Native threads call `receive` with a line or a piece of one.

    While `is_expected` says so, complaints are not passed on: a step that we abort is no error.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._partial = ""
        self._level = logging.INFO
        self.is_expected: Callable[[], bool] = lambda: False

    def receive(self, level: int, text: bytes | None, _user_data: Any = None) -> None:
        if level != _CONTINUED:
            self._level = _LEVELS.get(level, logging.INFO)
        self._partial += (text or b"").decode("utf-8", "replace")
        while "\n" in self._partial:
            line, self._partial = self._partial.split("\n", 1)
            if line and self._level > logging.DEBUG:
                self._lines.append(line)
            log.log(logging.DEBUG if self.is_expected() else self._level, "%s", line)

    def forget(self) -> None:
        """Starts a new memory: what is said from now on belongs to the next thing done."""
        self._lines.clear()

    def lines(self) -> tuple[str, ...]:
        return tuple(self._lines)
