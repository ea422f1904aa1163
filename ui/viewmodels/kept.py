"""What the window remembers from one run to the next: its shape, where the reader was, texts not sent yet.

Kept in a file of its own in the home. It is nobody's data but the window's: losing it loses no chat.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QObject, QSettings, QTimer

from app.domain.value import Value, from_json, to_json

SAVE_AFTER_MS = 500
_EDIT = "#edit"  # ends the key of an edit among the drafts


class Edit(Value):
    """A sent message being written anew: it will stand beside the old one, under the same parent."""

    message_id: str
    text: str
    parent_id: str | None = None


class Kept(QObject):
    """Saves by itself some time after a change, and on `save`. A damaged file counts as an empty one."""

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = QSettings(str(path), QSettings.Format.IniFormat)
        self._drafts = self._load_drafts()
        self._drafts_changed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self.save)

    def text(self, name: str) -> str:
        return str(self._settings.value(f"window/{name}", ""))

    def set_text(self, name: str, text: str) -> None:
        self._settings.setValue(f"window/{name}", text)

    def shape(self, name: str) -> QByteArray:
        found = self._settings.value(f"window/{name}")
        return found if isinstance(found, QByteArray) else QByteArray()

    def set_shape(self, name: str, shape: QByteArray) -> None:
        self._settings.setValue(f"window/{name}", shape)

    def draft(self, chat_id: str | None) -> str:
        return self._drafts.get(chat_id or "", "")

    def set_draft(self, chat_id: str | None, text: str) -> None:
        """None is the chat that has not begun."""
        if text == self.draft(chat_id):
            return
        if text:
            self._drafts[chat_id or ""] = text
        else:
            del self._drafts[chat_id or ""]
        self._drafts_changed = True
        self._timer.start()

    def edit(self, chat_id: str | None) -> Edit | None:
        saved = self._drafts.get(f"{chat_id}{_EDIT}", "")
        try:
            return from_json(saved, Edit) if saved else None
        except ValueError:
            return None

    def set_edit(self, chat_id: str, edit: Edit | None) -> None:
        self.set_draft(f"{chat_id}{_EDIT}", to_json(edit).decode() if edit is not None else "")

    def save(self) -> None:
        self._timer.stop()
        if self._drafts_changed:
            # Marked, so that what somebody else wrote there is not taken for ours.
            self._settings.setValue("drafts", "json:" + to_json(self._drafts).decode())
            self._drafts_changed = False
        self._settings.sync()

    def _load_drafts(self) -> dict[str, str]:
        saved = self._settings.value("drafts", "")
        if not isinstance(saved, str) or not saved.startswith("json:"):
            return {}
        try:
            return from_json(saved.removeprefix("json:"), dict[str, str])
        except ValueError:
            return {}
