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
    """Where an action stands in the menu and in the list of shortcuts, in this order."""

    CHAT = "chat"
    WRITING = "writing"
    ANSWER = "answer"
    MODEL = "model"
    VIEW = "view"
    HELP = "help"

    @property
    def title(self) -> str:
        return QCoreApplication.translate("actions", GROUPS[self])


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """`shortcuts` are tried by Qt in this order; the first is shown in menus."""

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


@dataclass(frozen=True, slots=True)
class KeySpec:
    """What a key does in one place of the window. The place itself listens for it; here it is only listed."""

    text: str
    group: Group
    keys: tuple[str, ...]

    @property
    def title(self) -> str:
        return QCoreApplication.translate("actions", self.text)

    def sequences(self) -> list[QKeySequence]:
        return [QKeySequence(key) for key in self.keys]


_ = QT_TRANSLATE_NOOP
GROUPS: dict[Group, str] = {
    Group.CHAT: _("actions", "Chats"),
    Group.WRITING: _("actions", "Writing"),
    Group.ANSWER: _("actions", "Messages"),
    Group.MODEL: _("actions", "Models"),
    Group.VIEW: _("actions", "View"),
    Group.HELP: _("actions", "Help"),
}
ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("new_chat", _("actions", "New chat"), Group.CHAT, ("Ctrl+N",), "plus"),
    ActionSpec("search_chats", _("actions", "Search chats"), Group.CHAT, ("Ctrl+K", "Ctrl+F"), "search"),
    ActionSpec("next_chat", _("actions", "Next chat"), Group.CHAT, ("Ctrl+PgDown", "Ctrl+Tab")),
    ActionSpec("previous_chat", _("actions", "Previous chat"), Group.CHAT, ("Ctrl+PgUp", "Ctrl+Shift+Tab")),
    ActionSpec("rename_chat", _("actions", "Rename chat"), Group.CHAT, ("F2",), "pencil"),
    ActionSpec("delete_chat", _("actions", "Delete chat"), Group.CHAT, ("Ctrl+Shift+Backspace",), "trash"),
    ActionSpec(
        "restore_chat", _("actions", "Bring back deleted chat"), Group.CHAT, ("Ctrl+Shift+T",), "undo"
    ),
    ActionSpec("write", _("actions", "Write a message"), Group.WRITING, ("Ctrl+L",)),
    ActionSpec("edit_last", _("actions", "Edit last message"), Group.WRITING, ("Ctrl+E",), "pencil"),
    ActionSpec("stop", _("actions", "Stop the answer"), Group.ANSWER, ("Esc",), "stop"),
    ActionSpec("answer_now", _("actions", "Answer now, without more thoughts"), Group.ANSWER, ("Ctrl+J",)),
    ActionSpec("continue_answer", _("actions", "Continue answer"), Group.ANSWER, ("Ctrl+G",), "continue"),
    ActionSpec("regenerate", _("actions", "Answer again"), Group.ANSWER, ("Ctrl+R",), "retry"),
    ActionSpec("copy_answer", _("actions", "Copy answer"), Group.ANSWER, ("Ctrl+Shift+C",), "copy"),
    ActionSpec("previous_message", _("actions", "Previous message"), Group.ANSWER, ("Alt+Up",)),
    ActionSpec("next_message", _("actions", "Next message"), Group.ANSWER, ("Alt+Down",)),
    ActionSpec("jump_to_end", _("actions", "Go to the end"), Group.ANSWER, ("Ctrl+End",), "arrow-down"),
    ActionSpec("choose_model", _("actions", "Choose model"), Group.MODEL, ("Ctrl+M",)),
    ActionSpec("eject", _("actions", "Unload the model"), Group.MODEL, ("Ctrl+Shift+E",), "eject"),
    ActionSpec("get_model", _("actions", "Get a model…"), Group.MODEL, ("Ctrl+Shift+M",), "plus"),
    ActionSpec("open_file", _("actions", "Open a model file…"), Group.MODEL, ("Ctrl+O",), "model-file"),
    ActionSpec("next_part", _("actions", "Next part of the window"), Group.VIEW, ("F6",)),
    ActionSpec("previous_part", _("actions", "Previous part of the window"), Group.VIEW, ("Shift+F6",)),
    ActionSpec("toggle_sidebar", _("actions", "Show or hide chats"), Group.VIEW, ("Ctrl+B",), "sidebar"),
    ActionSpec(
        "toggle_inspector", _("actions", "Show or hide chat settings"), Group.VIEW, ("Ctrl+I",), "inspector"
    ),
    ActionSpec("larger", _("actions", "Larger text"), Group.VIEW, ("Ctrl++", "Ctrl+=")),
    ActionSpec("smaller", _("actions", "Smaller text"), Group.VIEW, ("Ctrl+-",)),
    ActionSpec("usual_size", _("actions", "Usual text size"), Group.VIEW, ("Ctrl+0",)),
    ActionSpec("menu", _("actions", "Open the menu"), Group.VIEW, ("F10",), "more"),
    ActionSpec("context_menu", _("actions", "Menu of what has the focus"), Group.VIEW, ("Shift+F10",)),
    ActionSpec("close", _("actions", "Close window"), Group.VIEW, ("Ctrl+W", "Ctrl+Q"), "close"),
    ActionSpec("shortcuts", _("actions", "Keyboard shortcuts"), Group.HELP, ("F1", "Ctrl+/"), "info"),
    ActionSpec("open_logs", _("actions", "Open log folder"), Group.HELP),
)
KEYS: tuple[KeySpec, ...] = (
    KeySpec(_("actions", "Send"), Group.WRITING, ("Enter",)),
    KeySpec(_("actions", "New line"), Group.WRITING, ("Shift+Enter",)),
    KeySpec(_("actions", "Edit last message, in an empty box"), Group.WRITING, ("Up",)),
    KeySpec(_("actions", "Delete the chosen chat"), Group.CHAT, ("Del",)),
    KeySpec(_("actions", "Scroll by a page"), Group.ANSWER, ("PgUp", "PgDown")),
)
BY_NAME: dict[str, ActionSpec] = {spec.name: spec for spec in ACTIONS}


def listed() -> dict[Group, list[ActionSpec | KeySpec]]:
    """Everything that has a key, by group."""
    every = [*ACTIONS, *KEYS]
    found = {group: [spec for spec in every if spec.group is group and spec.sequences()] for group in Group}
    return {group: specs for group, specs in found.items() if specs}
