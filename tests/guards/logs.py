"""Collects log records of WARNING and above, and says which of them the test did not expect."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field


@dataclass
class LogGuard:
    """Expectations are parts of messages. An expected message must come, unless it was only allowed."""

    expected: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def expect(self, part: str, *, maybe: bool = False) -> None:
        (self.allowed if maybe else self.expected).append(part)

    def complaints(self, records: list[logging.LogRecord]) -> list[str]:
        texts = [_text(record) for record in records]
        known = [*self.expected, *self.allowed]
        unasked = [f"logged: {text}" for text in texts if not any(part in text for part in known)]
        missing = [f"never logged: {part}" for part in self.expected if not any(part in t for t in texts)]
        return unasked + missing


class Recorder(logging.Handler):
    """Keeps the records of the running test. Installed once, on the root logger."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def take(self) -> list[logging.LogRecord]:
        records, self.records = self.records, []
        return records


def _text(record: logging.LogRecord) -> str:
    where = f"{record.levelname} {record.name}: {record.getMessage()}"
    error = record.exc_info[1] if record.exc_info else None
    return f"{where} ({type(error).__name__}: {error})" if error else where
