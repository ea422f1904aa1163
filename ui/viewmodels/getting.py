"""Getting a model by name: what was typed, whether it is asked for, and why it could not be had."""

from __future__ import annotations

import re

from PySide6.QtCore import QObject, Signal

from app.client.protocol import Pull, Refused, Reply
from app.domain.notice import Notice
from ui.bridge import Bridge

_ADDRESS = re.compile(r"^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_REFERENCE = re.compile(rf"^({_PART}/{_PART})(?::({_PART}))?$")


class Getting(QObject):
    """Once the download has begun it is a transfer like any other, and this is empty again."""

    changed = Signal()
    begun = Signal()
    refused = Signal(object)  # Notice

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._is_asking = False
        self._is_malformed = False
        self._notice: Notice | None = None

    @property
    def is_asking(self) -> bool:
        """Whether the Hub is being asked which files there are."""
        return self._is_asking

    @property
    def is_malformed(self) -> bool:
        """Whether what was typed last is no name of a repository."""
        return self._is_malformed

    @property
    def notice(self) -> Notice | None:
        """Why the download could not begin."""
        return self._notice

    def get(self, text: str) -> None:
        """Begins the download of OWNER/REPO or OWNER/REPO:QUANT; an address on the Hub will do too."""
        if self._is_asking:
            return
        reference = split_reference(text)
        self._notice = None
        self._is_malformed = reference is None
        if reference is not None:
            self._is_asking = True
            self._bridge.ask(Pull(repo=reference[0], quant=reference[1]), self._on_reply)
        self.changed.emit()

    def forget(self) -> None:
        """Takes the words about the last attempt away."""
        if self._notice is not None or self._is_malformed:
            self._notice, self._is_malformed = None, False
            self.changed.emit()

    def _on_reply(self, reply: Reply) -> None:
        self._is_asking = False
        if isinstance(reply, Refused):
            self._notice = reply.notice
        self.changed.emit()
        if self._notice is None:
            self.begun.emit()
        else:
            self.refused.emit(self._notice)


def split_reference(text: str) -> tuple[str, str | None] | None:
    """Returns repository and quant, or None for what names no repository."""
    name = _ADDRESS.sub("", text.strip()).rstrip("/")
    found = _REFERENCE.match(name)
    return (found[1], found[2]) if found is not None else None
