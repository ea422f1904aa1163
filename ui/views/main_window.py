"""The window: chats on the left, the conversation in the middle, the composer under it.

Joins the views to the workspace, and says what each action of `ui/actions.py` does.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.domain.chat import Message, MessageStatus, Role
from ui.actions import ACTIONS, BY_NAME, Group
from ui.theme import COLUMN_PX, Theme
from ui.viewmodels.workspace import LOGS, Workspace
from ui.views.banner_view import BannerView
from ui.views.composer_view import ComposerView
from ui.views.empty_state import EmptyState
from ui.views.inspector import INSPECTOR_PX, InspectorView
from ui.views.model_picker import ModelPicker
from ui.views.sidebar import WIDTH_PX, Sidebar
from ui.views.transcript_view import TranscriptView
from ui.widgets.buttons import icon_button
from ui.widgets.dropped import gguf_path

USUAL_SIZE = (1240, 800)
LEAST_SIZE = (560, 420)
ZOOM_STEPS = (0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
_COMPOSER_PX = COLUMN_PX + 24
_BOTH_SIDES_PX = 900  # from here on there is room for a drawer on either side


class MainWindow(QMainWindow):
    def __init__(self, workspace: Workspace, theme: Theme) -> None:
        super().__init__()
        self._workspace = workspace
        self._theme = theme
        self._zoom = 1.0
        self.actions_by_name: dict[str, QAction] = {}
        self.sidebar = Sidebar(workspace.chats, workspace.transcript, workspace.transfers, theme)
        self.picker = ModelPicker(workspace.models, workspace.getting, theme)
        self.transcript = TranscriptView(workspace.transcript, workspace.models, theme)
        self.empty = EmptyState(workspace.models, workspace.session)
        self.inspector = InspectorView(workspace.inspector, theme)
        self.banner = BannerView(workspace, theme)
        self.composer = ComposerView(workspace.composer, theme)
        self._build()
        self._build_actions()
        self._join()
        self._restore()
        self._show_state()
        self.composer.write()

    # Building

    def _build(self) -> None:
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.transcript)
        middle = QWidget()
        middle.setObjectName("canvas")
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._build_head())
        column.addWidget(self._stack, 1)
        column.addWidget(self._build_foot())
        self._splitter = QSplitter()
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.sidebar)
        self._splitter.addWidget(middle)
        self._splitter.addWidget(self.inspector)
        self._splitter.setStretchFactor(1, 1)
        self.sidebar.setMinimumWidth(180)
        self.sidebar.setMaximumWidth(420)
        self.inspector.setMinimumWidth(240)
        self.inspector.setMaximumWidth(420)
        self._splitter.setSizes([WIDTH_PX, USUAL_SIZE[0] - WIDTH_PX - INSPECTOR_PX, INSPECTOR_PX])
        self.setCentralWidget(self._splitter)
        self.setMinimumSize(*LEAST_SIZE)
        self.setAcceptDrops(True)
        self.resize(*USUAL_SIZE)

    def _build_head(self) -> QWidget:
        head = QWidget()
        row = QHBoxLayout(head)
        row.setContentsMargins(20, 12, 20, 10)
        row.setSpacing(8)
        self._show_chats = icon_button(self._theme, "sidebar", self.tr("Show chats"))
        self._show_chats.clicked.connect(self._toggle_sidebar)
        self._new_chat = icon_button(self._theme, "plus", self.tr("New chat"))
        self._new_chat.clicked.connect(self._start_new_chat)
        row.addWidget(self._show_chats)
        row.addWidget(self._new_chat)
        row.addWidget(self.picker, 1)
        self._show_settings = icon_button(self._theme, "inspector", self.tr("Show chat settings"))
        self._show_settings.clicked.connect(self._toggle_inspector)
        row.addWidget(self._show_settings)
        return head

    def _build_foot(self) -> QWidget:
        foot = QWidget()
        inner = QWidget()
        inner.setMaximumWidth(_COMPOSER_PX)
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.banner)
        column.addWidget(self.composer)
        row = QHBoxLayout(foot)
        row.setContentsMargins(16, 6, 16, 14)
        row.addStretch(1)
        row.addWidget(inner, 1000)
        row.addStretch(1)
        return foot

    def _build_actions(self) -> None:
        deeds = self._deeds()
        for spec in ACTIONS:
            action = QAction(spec.title, self)
            action.setShortcuts(spec.sequences())
            if spec.icon:
                self._theme.dress(action, spec.icon)
            action.triggered.connect(deeds[spec.name])
            self.addAction(action)
            self.actions_by_name[spec.name] = action

    def _deeds(self) -> dict[str, Callable[[], object]]:
        workspace = self._workspace
        return {
            "new_chat": self._start_new_chat,
            "rename_chat": lambda: self.sidebar.rename(workspace.transcript.chat_id),
            "delete_chat": lambda: workspace.delete_chat(workspace.transcript.chat_id),
            "next_chat": lambda: self.sidebar.step(1),
            "previous_chat": lambda: self.sidebar.step(-1),
            "search_chats": self._search_chats,
            "write": self.composer.write,
            "choose_model": self.picker.open,
            "get_model": self.picker.open_form,
            "open_file": self._choose_file,
            "stop": workspace.composer.stop,
            "continue_answer": self._continue,
            "regenerate": self._regenerate,
            "copy_answer": self._copy_last,
            "edit_last": workspace.composer.edit_last,
            "jump_to_end": self.transcript.jump_to_end,
            "toggle_sidebar": self._toggle_sidebar,
            "toggle_inspector": self._toggle_inspector,
            "larger": lambda: self._step_zoom(1),
            "smaller": lambda: self._step_zoom(-1),
            "usual_size": lambda: self._set_zoom(1.0),
            "open_logs": lambda: workspace.folder_wanted.emit(LOGS),
            "close": self.close,
        }

    def _join(self) -> None:
        workspace = self._workspace
        self.sidebar.chat_wanted.connect(workspace.open_chat)
        self.sidebar.chat_clicked.connect(self.composer.write)
        self.sidebar.new_wanted.connect(self._start_new_chat)
        self.sidebar.search_left.connect(self.composer.write)
        self.sidebar.hide_wanted.connect(self._toggle_sidebar)
        self.inspector.hide_wanted.connect(self._toggle_inspector)
        self.sidebar.menu_wanted.connect(self._open_menu)
        self.sidebar.chat_menu_wanted.connect(self._open_chat_menu)
        self.transcript.copy_wanted.connect(self._copy)
        self.transcript.regenerate_wanted.connect(workspace.regenerate)
        self.transcript.continue_wanted.connect(workspace.retry_answer)
        self.transcript.edit_wanted.connect(workspace.composer.edit)
        workspace.composer.text_replaced.connect(self._write_edit)
        self.picker.file_wanted.connect(self._choose_file)
        self.empty.suggested.connect(self._take_suggestion)
        workspace.model_choice_wanted.connect(self.picker.open)
        workspace.draft_wanted.connect(self.composer.write)
        for changed in (
            workspace.transcript.opened,
            workspace.transcript.changed,
            workspace.transcript.reset,
        ):
            changed.connect(self._show_state)

    # State

    def _show_state(self) -> None:
        transcript = self._workspace.transcript
        is_empty = transcript.chat_id is None or (not transcript.messages and not transcript.is_loading)
        self._stack.setCurrentWidget(self.empty if is_empty else self.transcript)
        title = transcript.chat.title if transcript.chat is not None else ""
        self.setWindowTitle(self.tr("{chat} - Cove").format(chat=title) if title else "Cove")
        answer = self._last_answer()
        is_over = answer is not None and answer.status is not MessageStatus.STREAMING
        can_go_on = answer is not None and answer.status in (
            MessageStatus.STOPPED,
            MessageStatus.INTERRUPTED,
            MessageStatus.FAILED,
        )
        has_chat = transcript.chat_id is not None
        enabled = {
            "stop": transcript.streaming is not None,
            "regenerate": is_over,
            "copy_answer": is_over and bool(answer and answer.content),
            "continue_answer": can_go_on,
            "edit_last": any(message.role is Role.USER for message in transcript.messages),
            "rename_chat": has_chat,
            "delete_chat": has_chat,
        }
        for name, is_enabled in enabled.items():
            self.actions_by_name[name].setEnabled(is_enabled)

    def _last_answer(self) -> Message | None:
        last = self._workspace.transcript.last
        return last if last is not None and last.role is Role.ASSISTANT else None

    # Deeds

    def _start_new_chat(self) -> None:
        self._workspace.new_chat()
        self.sidebar.end_search()  # or the new one would not be listed
        self.composer.write()

    def _search_chats(self) -> None:
        self._show_sidebar(is_shown=True)
        self.sidebar.begin_search()

    def _take_suggestion(self, text: str) -> None:
        self._workspace.composer.put_text(text)
        self.composer.write()

    def _choose_file(self) -> None:
        kinds = self.tr("Models (*.gguf)")
        path, _ = QFileDialog.getOpenFileName(self, self.tr("Open a model file"), "", kinds)
        if path:
            self._workspace.models.open_file(path)

    def _continue(self) -> None:
        answer = self._last_answer()
        if answer is not None:
            self._workspace.retry_answer(answer.id)

    def _regenerate(self) -> None:
        answer = self._last_answer()
        if answer is not None:
            self._workspace.regenerate(answer.id)

    def _write_edit(self) -> None:
        if self._workspace.composer.editing is not None:
            self.composer.write()

    def _copy_last(self) -> None:
        answer = self._last_answer()
        if answer is not None:
            self._copy(answer.content)

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    def _toggle_sidebar(self) -> None:
        self._show_sidebar(is_shown=self.sidebar.isHidden())

    def _show_sidebar(self, *, is_shown: bool) -> None:
        self.sidebar.setVisible(is_shown)
        self._show_chats.setVisible(not is_shown)
        self._new_chat.setVisible(not is_shown)
        if is_shown and self.width() < _BOTH_SIDES_PX:
            self._show_inspector(is_shown=False)

    def _toggle_inspector(self) -> None:
        is_shown = self.inspector.isHidden()
        self._show_inspector(is_shown=is_shown)
        if is_shown:
            self.inspector.prompt.setFocus(Qt.FocusReason.OtherFocusReason)
        elif self.isActiveWindow():
            self.composer.write()

    def _show_inspector(self, *, is_shown: bool) -> None:
        self.inspector.setVisible(is_shown)
        self._show_settings.setVisible(not is_shown)
        if is_shown and self.width() < _BOTH_SIDES_PX:
            self._show_sidebar(is_shown=False)

    def _step_zoom(self, steps: int) -> None:
        nearest = min(range(len(ZOOM_STEPS)), key=lambda place: abs(ZOOM_STEPS[place] - self._zoom))
        self._set_zoom(ZOOM_STEPS[min(max(nearest + steps, 0), len(ZOOM_STEPS) - 1)])

    def _set_zoom(self, zoom: float) -> None:
        if zoom != self._zoom:
            self._zoom = zoom
            self.transcript.set_zoom(zoom)

    # Menus

    def _open_menu(self, place: QPoint) -> None:
        menu = self._make_menu()
        menu.exec(place - QPoint(0, menu.sizeHint().height() + 4))
        menu.deleteLater()

    def _make_menu(self) -> QMenu:
        """Everything that can be done, by group, and how the window looks."""
        menu = QMenu(self)
        for group in Group:
            for spec in ACTIONS:
                if spec.group is group:
                    menu.addAction(self.actions_by_name[spec.name])
            menu.addSeparator()
        looks = menu.addMenu(self.tr("Appearance"))
        choices = QActionGroup(looks)
        words = {"system": self.tr("As the system"), "light": self.tr("Light"), "dark": self.tr("Dark")}
        for choice, text in words.items():
            action = looks.addAction(text)
            action.setCheckable(True)
            action.setChecked(choice == self._theme.choice)
            action.triggered.connect(lambda _=False, choice=choice: self._workspace.choose_theme(choice))
            choices.addAction(action)
        return menu

    def _open_chat_menu(self, chat_id: str, place: QPoint) -> None:
        menu = QMenu(self)
        rename = menu.addAction(self._theme.icon("pencil"), BY_NAME["rename_chat"].title)
        rename.triggered.connect(lambda: self.sidebar.rename(chat_id))
        delete = menu.addAction(self._theme.icon("trash"), BY_NAME["delete_chat"].title)
        delete.triggered.connect(lambda: self._workspace.delete_chat(chat_id))
        menu.exec(place)
        menu.deleteLater()

    # From one run to the next

    def _restore(self) -> None:
        kept = self._workspace.kept
        self.restoreGeometry(kept.shape("geometry"))
        self._splitter.restoreState(kept.shape("splitter"))
        self._show_sidebar(is_shown=kept.text("sidebar") != "hidden")
        self._show_inspector(is_shown=kept.text("inspector") == "shown")
        try:
            self._set_zoom(float(kept.text("zoom") or 1.0))
        except ValueError:
            self._set_zoom(1.0)

    def _save(self) -> None:
        kept = self._workspace.kept
        kept.set_shape("geometry", self.saveGeometry())
        kept.set_shape("splitter", self._splitter.saveState())
        kept.set_text("sidebar", "hidden" if self.sidebar.isHidden() else "shown")
        kept.set_text("inspector", "hidden" if self.inspector.isHidden() else "shown")
        kept.set_text("zoom", str(self._zoom))
        self._workspace.save()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if gguf_path(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = gguf_path(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            self._workspace.models.open_file(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._save()
        super().closeEvent(event)
