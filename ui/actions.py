"""Everything a person can do in the window, as data: name, words, shortcut, where it is listed.

`main_window.py` makes a QAction of each and says what it does; menus and the list of shortcuts are made from
the same table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication
from PySide6.QtGui import QKeySequence


class Group(StrEnum):
    """Where an action stands in the menu, in this order."""

    CHAT = "chat"
    ANSWER = "answer"
    VIEW = "view"
    APP = "app"


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """`shortcuts` are tried by Qt in this order; the first is shown."""

    name: str
    text: str
    group: Group
    shortcuts: tuple[str, ...] = ()
    icon: str = ""

    @property
    def title(self) -> str:
        return QCoreApplication.translate("actions", self.text)

    def sequences(self) -> list[QKeySequence]:
        return [QKeySequence(shortcut) for shortcut in self.shortcuts]


_ = QT_TRANSLATE_NOOP
ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("new_chat", _("actions", "New chat"), Group.CHAT, ("Ctrl+N",), "plus"),
    ActionSpec("rename_chat", _("actions", "Rename chat"), Group.CHAT, ("F2",), "pencil"),
    ActionSpec("delete_chat", _("actions", "Delete chat"), Group.CHAT, ("Ctrl+Shift+Backspace",), "trash"),
    ActionSpec("next_chat", _("actions", "Next chat"), Group.CHAT, ("Ctrl+PgDown", "Ctrl+Tab")),
    ActionSpec("previous_chat", _("actions", "Previous chat"), Group.CHAT, ("Ctrl+PgUp", "Ctrl+Shift+Tab")),
    ActionSpec("search_chats", _("actions", "Search chats"), Group.CHAT, ("Ctrl+K", "Ctrl+F"), "search"),
    ActionSpec("write", _("actions", "Write a message"), Group.CHAT, ("Ctrl+L",)),
    ActionSpec("choose_model", _("actions", "Choose model"), Group.CHAT, ("Ctrl+M",)),
    ActionSpec("get_model", _("actions", "Get a model…"), Group.CHAT, ("Ctrl+Shift+M",), "plus"),
    ActionSpec("open_file", _("actions", "Open a model file…"), Group.CHAT, ("Ctrl+O",), "model-file"),
    ActionSpec("stop", _("actions", "Stop the answer"), Group.ANSWER, ("Esc",), "stop"),
    ActionSpec("continue_answer", _("actions", "Continue answer"), Group.ANSWER, ("Ctrl+G",), "continue"),
    ActionSpec("regenerate", _("actions", "Answer again"), Group.ANSWER, ("Ctrl+R",), "retry"),
    ActionSpec("edit_last", _("actions", "Edit last message"), Group.ANSWER, ("Ctrl+E",), "pencil"),
    ActionSpec("copy_answer", _("actions", "Copy answer"), Group.ANSWER, ("Ctrl+Shift+C",), "copy"),
    ActionSpec("jump_to_end", _("actions", "Go to the end"), Group.VIEW, ("Ctrl+End",), "arrow-down"),
    ActionSpec("toggle_sidebar", _("actions", "Show or hide chats"), Group.VIEW, ("Ctrl+B",), "sidebar"),
    ActionSpec("toggle_inspector", _("actions", "Show or hide chat settings"), Group.VIEW, ("Ctrl+I",)),
    ActionSpec("larger", _("actions", "Larger text"), Group.VIEW, ("Ctrl++", "Ctrl+=")),
    ActionSpec("smaller", _("actions", "Smaller text"), Group.VIEW, ("Ctrl+-",)),
    ActionSpec("usual_size", _("actions", "Usual text size"), Group.VIEW, ("Ctrl+0",)),
    ActionSpec("open_logs", _("actions", "Open log folder"), Group.APP),
    ActionSpec("close", _("actions", "Close window"), Group.APP, ("Ctrl+W", "Ctrl+Q")),
)
BY_NAME: dict[str, ActionSpec] = {spec.name: spec for spec in ACTIONS}
