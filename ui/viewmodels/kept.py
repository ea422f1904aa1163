"""What the window remembers from one run to the next: its shape, where the reader was, texts not sent yet.

Kept in a file of its own in the home. It is nobody's data but the window's: losing it loses no chat.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QObject, QSettings, QTimer

from app.domain.value import Value, from_json, to_json

SAVE_AFTER_MS = 500  # more than this of what is typed is never lost
_EDIT = "#edit"  # ends the key of an edit among the drafts
_MARK = "text:"  # so that no draft is taken for one of QSettings' own notations


class Edit(Value):
    """A sent message being written anew: it will stand beside the old one, under the same parent."""

    message_id: str
    text: str
    parent_id: str | None = None


class Kept(QObject):
    """Saves by itself some time after a change, and on `save`. A damaged file counts as an empty one.

    Each draft has a key of its own: other windows of the home write to the same file.
    """

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = QSettings(str(path), QSettings.Format.IniFormat)
        self._unsaved: dict[str, str] = {}  # drafts by key
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self.save)

    def text(self, name: str) -> str:
        return str(self._settings.value(f"window/{name}", ""))

    def set_text(self, name: str, text: str) -> None:
        """Saved at once, like shapes."""
        self._settings.setValue(f"window/{name}", text)

    def shape(self, name: str) -> QByteArray:
        found = self._settings.value(f"window/{name}")
        return found if isinstance(found, QByteArray) else QByteArray()

    def set_shape(self, name: str, shape: QByteArray) -> None:
        self._settings.setValue(f"window/{name}", shape)

    def draft(self, chat_id: str | None) -> str:
        key = _key(chat_id)
        if key in self._unsaved:
            return self._unsaved[key]
        saved = self._settings.value(key, "")
        return saved.removeprefix(_MARK) if isinstance(saved, str) and saved.startswith(_MARK) else ""

    def set_draft(self, chat_id: str | None, text: str) -> None:
        """None is the chat that has not begun."""
        if text == self.draft(chat_id):
            return
        self._unsaved[_key(chat_id)] = text
        if not self._timer.isActive():  # or whoever types without a pause would never be saved
            self._timer.start()

    def edit(self, chat_id: str | None) -> Edit | None:
        saved = self.draft(f"{chat_id}{_EDIT}")
        try:
            return from_json(saved, Edit) if saved else None
        except ValueError:
            return None

    def set_edit(self, chat_id: str, edit: Edit | None) -> None:
        self.set_draft(f"{chat_id}{_EDIT}", to_json(edit).decode() if edit is not None else "")

    def save(self) -> None:
        self._timer.stop()
        for key, text in self._unsaved.items():
            if text:
                self._settings.setValue(key, f"{_MARK}{text}")
            else:
                self._settings.remove(key)
        self._unsaved.clear()
        self._settings.sync()


def _key(chat_id: str | None) -> str:
    """In QSettings' keys some characters have a meaning."""
    return f"drafts/{chat_id.encode().hex()}" if chat_id else "drafts/new"
