"""The menus that are not of one view: that of the window, of a chat in the list, of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.domain.engine import EngineState
from app.domain.model import Model
from ui.actions import ACTIONS, BY_NAME, Group
from ui.texts.language import LANGUAGES, SYSTEM
from ui.theme import Theme
from ui.viewmodels.models import Models
from ui.viewmodels.workspace import Workspace

translate = QCoreApplication.translate


def window_menu(parent: QWidget, actions: Mapping[str, QAction], theme: Theme, workspace: Workspace) -> QMenu:
    """Everything that can be done, by group, and how the window looks and speaks."""
    menu = QMenu(parent)
    for group in Group:
        names = [spec.name for spec in ACTIONS if spec.group is group and spec.name not in ("menu", "close")]
        inner = menu.addMenu(group.title)
        for name in names:
            inner.addAction(actions[name])
        if group is Group.VIEW:
            inner.addSeparator()
            looks = inner.addMenu(translate("menus", "Appearance"))
            _add_choices(looks, _look_words(), theme.choice, workspace.choose_theme)
            languages = inner.addMenu(translate("menus", "Language"))
            words = {SYSTEM: translate("menus", "As the system"), **LANGUAGES}
            _add_choices(languages, words, workspace.language, workspace.choose_language)
    menu.addSeparator()
    menu.addAction(actions["close"])
    return menu


def chat_menu(parent: QWidget, theme: Theme, rename: Callable[[], None], delete: Callable[[], None]) -> QMenu:
    menu = QMenu(parent)
    for name, deed in (("rename_chat", rename), ("delete_chat", delete)):
        spec = BY_NAME[name]
        menu.addAction(theme.icon(spec.icon), spec.title).triggered.connect(deed)
    return menu


def model_menu(
    parent: QWidget, theme: Theme, models: Models, model: Model, choose: Callable[[str], None]
) -> QMenu:
    menu = QMenu(parent)
    use = menu.addAction(theme.icon("check"), translate("menus", "Use this model"))
    use.triggered.connect(lambda: choose(model.id))
    status = models.status(model.id)
    if status is not None and status.state is EngineState.READY:
        change = menu.addAction(theme.icon("eject"), translate("menus", "Unload from memory"))
        change.triggered.connect(lambda: models.eject(model.id))
    elif status is None or status.state is EngineState.FAILED:
        change = menu.addAction(theme.icon("play"), translate("menus", "Load into memory"))
        change.triggered.connect(lambda: models.load(model.id))
    menu.addSeparator()
    copy = menu.addAction(theme.icon("copy"), translate("menus", "Copy name"))
    copy.triggered.connect(lambda: QGuiApplication.clipboard().setText(model.id))
    return menu


def _look_words() -> dict[str, str]:
    return {
        "system": translate("menus", "As the system"),
        "light": translate("menus", "Light"),
        "dark": translate("menus", "Dark"),
    }


def _add_choices(menu: QMenu, words: Mapping[str, str], chosen: str, choose: Callable[[str], None]) -> None:
    choices = QActionGroup(menu)
    for choice, text in words.items():
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(choice == chosen)
        action.triggered.connect(lambda _=False, choice=choice: choose(choice))
        choices.addAction(action)
