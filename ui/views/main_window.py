"""The window: chats on the left, the conversation in the middle, the composer under it.

Joins the views to the workspace, and says what each action of `ui/actions.py` does.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QGuiApplication,
)
from PySide6.QtWidgets import QFileDialog, QMainWindow, QMenu

from app.domain.chat import Message, MessageStatus, Role
from app.domain.notice import Notice
from ui.actions import ACTIONS
from ui.dialogs.shortcuts import ShortcutsDialog
from ui.theme import Theme
from ui.viewmodels.workspace import LOGS, Workspace
from ui.views.banner_view import BannerView
from ui.views.composer_view import ComposerView
from ui.views.drop_hint import DropHint
from ui.views.empty_state import EmptyState
from ui.views.frame import USUAL_SIZE, Frame
from ui.views.inspector import InspectorView
from ui.views.menus import chat_menu, window_menu
from ui.views.model_picker import ModelPicker
from ui.views.sidebar import Sidebar
from ui.views.transcript_view import TranscriptView
from ui.widgets.context import open_context_menu
from ui.widgets.tabbing import give_focus, next_part, step_focus, tab_stops

LEAST_SIZE = (560, 420)
ZOOM_STEPS = (0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)


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
        self.empty = EmptyState(
            workspace.models,
            workspace.session,
            workspace.chats,
            workspace.transfers,
            workspace.recommendations,
        )
        self.inspector = InspectorView(workspace.inspector, theme)
        self.banner = BannerView(workspace, theme)
        self.composer = ComposerView(workspace.composer, workspace.room, theme)
        self.drop_hint = DropHint(theme, self)
        self.drop_hint.dropped.connect(workspace.models.open_file)
        self._build()
        self._build_actions()
        self._join()
        self._restore()
        self._show_state()
        self._show_eject()
        self._show_restore()
        self.composer.write()

    # Building

    def _build(self) -> None:
        self.frame = Frame(
            self._theme,
            sidebar=self.sidebar,
            picker=self.picker,
            pages=(self.empty, self.transcript),
            foot=(self.banner, self.composer),
            inspector=self.inspector,
        )
        self.frame.new_wanted.connect(self._start_new_chat)
        self.frame.menu_wanted.connect(self._open_menu)
        self.frame.sidebar_wanted.connect(self._toggle_sidebar)
        self.frame.inspector_wanted.connect(self._toggle_inspector)
        self.setCentralWidget(self.frame)
        self.setMinimumSize(*LEAST_SIZE)
        self.setAcceptDrops(True)
        self.resize(*USUAL_SIZE)

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
            "restore_chat": self._restore_chat,
            "next_chat": lambda: self.sidebar.step(1),
            "previous_chat": lambda: self.sidebar.step(-1),
            "search_chats": self._search_chats,
            "write": self.composer.write,
            "choose_model": self.picker.open,
            "eject": self.picker.eject_selected,
            "get_model": self.picker.open_form,
            "open_file": self._choose_file,
            "stop": workspace.composer.stop,
            "answer_now": workspace.transcript.answer_now,
            "continue_answer": self._continue,
            "regenerate": self._regenerate,
            "copy_answer": self._copy_last,
            "edit_last": workspace.composer.edit_last,
            "next_message": lambda: self._step_message(1),
            "previous_message": lambda: self._step_message(-1),
            "jump_to_end": self.transcript.jump_to_end,
            "toggle_sidebar": self._toggle_sidebar,
            "toggle_inspector": self._toggle_inspector,
            "larger": lambda: self._step_zoom(1),
            "smaller": lambda: self._step_zoom(-1),
            "usual_size": lambda: self._set_zoom(1.0),
            "next_part": lambda: self._step_part(1),
            "previous_part": lambda: self._step_part(-1),
            "menu": self._open_menu,
            "context_menu": lambda: open_context_menu(self.focusWidget() or self),
            "shortcuts": self._toggle_shortcuts,
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
        self.sidebar.delete_wanted.connect(workspace.delete_chat)
        self.sidebar.chat_menu_wanted.connect(self._open_chat_menu)
        self.transcript.copy_wanted.connect(self._copy)
        self.transcript.regenerate_wanted.connect(workspace.regenerate)
        self.transcript.continue_wanted.connect(workspace.retry_answer)
        self.transcript.answer_wanted.connect(workspace.transcript.answer_now)
        self.transcript.edit_wanted.connect(workspace.composer.edit)
        workspace.composer.text_replaced.connect(self._write_edit)
        self.picker.file_wanted.connect(self._choose_file)
        self.empty.suggested.connect(self._take_suggestion)
        self.empty.get_wanted.connect(self.picker.open_form)
        self.empty.file_wanted.connect(self._choose_file)
        self.composer.edit.paged.connect(self.transcript.page)
        workspace.models.changed.connect(self._show_eject)
        workspace.getting.begun.connect(lambda: self.frame.show_sidebar(is_shown=True))  # its progress
        workspace.getting.refused.connect(self._on_get_refused)
        workspace.notices.changed.connect(self._show_restore)
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
        self.frame.pages.setCurrentWidget(self.empty if is_empty else self.transcript)
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
            "answer_now": transcript.streaming is not None and not transcript.streaming.content,
            "regenerate": is_over,
            "copy_answer": is_over and bool(answer and answer.content),
            "continue_answer": can_go_on,
            "previous_message": not is_empty,
            "next_message": not is_empty,
            "edit_last": any(message.role is Role.USER for message in transcript.messages),
            "rename_chat": has_chat,
            "delete_chat": has_chat,
        }
        for name, is_enabled in enabled.items():
            self.actions_by_name[name].setEnabled(is_enabled)

    def _last_answer(self) -> Message | None:
        last = self._workspace.transcript.last
        return last if last is not None and last.role is Role.ASSISTANT else None

    def _show_eject(self) -> None:
        self.actions_by_name["eject"].setEnabled(self._workspace.models.can_eject)

    def _show_restore(self) -> None:
        banner = self._workspace.notices.banner
        has_deleted = banner is not None and banner.chat_id is not None
        self.actions_by_name["restore_chat"].setEnabled(has_deleted)

    # Deeds

    def _start_new_chat(self) -> None:
        self._workspace.new_chat()
        self.sidebar.end_search()  # or the new one would not be listed
        self.composer.write()

    def _search_chats(self) -> None:
        self.frame.show_sidebar(is_shown=True)
        self.sidebar.begin_search()

    def _take_suggestion(self, text: str) -> None:
        self._workspace.composer.put_text(text)
        self.composer.write()

    def _choose_file(self) -> None:
        kinds = self.tr("Models (*.gguf)")
        path, _ = QFileDialog.getOpenFileName(self, self.tr("Open a model file"), "", kinds)
        if path:
            self._workspace.models.open_file(path)

    def _restore_chat(self) -> None:
        banner = self._workspace.notices.banner
        if banner is not None and banner.chat_id is not None:
            self._workspace.restore_chat(banner.chat_id)

    def _step_message(self, steps: int) -> None:
        if not self.transcript.focus_message(steps):
            self.composer.write()  # past the last one

    def _continue(self) -> None:
        answer = self._last_answer()
        if answer is not None:
            self._workspace.retry_answer(answer.id)

    def _regenerate(self) -> None:
        answer = self._last_answer()
        if answer is not None:
            self._workspace.regenerate(answer.id)

    def _on_get_refused(self, notice: Notice) -> None:
        if not self.picker.popup.form.isVisible():  # which says it itself
            self._workspace.notices.raise_notice(notice)

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
        self.frame.show_sidebar(is_shown=self.sidebar.isHidden())

    def _toggle_inspector(self) -> None:
        is_shown = self.inspector.isHidden()
        self.frame.show_inspector(is_shown=is_shown)
        if is_shown:
            self.inspector.prompt.setFocus(Qt.FocusReason.OtherFocusReason)
        elif self.isActiveWindow():
            self.composer.write()

    def _step_zoom(self, steps: int) -> None:
        nearest = min(range(len(ZOOM_STEPS)), key=lambda place: abs(ZOOM_STEPS[place] - self._zoom))
        self._set_zoom(ZOOM_STEPS[min(max(nearest + steps, 0), len(ZOOM_STEPS) - 1)])

    def _set_zoom(self, zoom: float) -> None:
        if zoom != self._zoom:
            self._zoom = zoom
            self.transcript.set_zoom(zoom)

    # Parts and menus

    def _step_part(self, steps: int) -> None:
        """Goes on to the next part of the window that is there: F6."""
        page = self.frame.pages.currentWidget()
        parts = [self.sidebar, self.frame.head, page, self.banner, self.composer, self.inspector]
        part = next_part(parts, self.focusWidget(), steps)
        if part is self.transcript:
            self.transcript.focus_message(-1)
            return
        stops = tab_stops(part)
        best = (self.sidebar.list, self.picker.button, self.composer.edit, self.inspector.prompt)
        give_focus(next((each for each in best if each in stops), stops[0]))

    def focusNextPrevChild(self, is_next: bool) -> bool:
        return step_focus(self.frame, forward=is_next)

    def _toggle_shortcuts(self) -> None:
        shown = self.findChild(ShortcutsDialog)
        if shown is not None:
            shown.close()
            return
        dialog = ShortcutsDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def _open_menu(self) -> None:
        button = self.frame.menu if self.sidebar.isHidden() else self.sidebar.menu_button
        menu = self._make_menu()
        height = menu.sizeHint().height()
        below = button.mapToGlobal(QPoint(0, button.height() + 4))
        is_room = below.y() + height <= self.screen().availableGeometry().bottom()
        menu.exec(below if is_room else button.mapToGlobal(QPoint(0, -height - 4)))
        menu.deleteLater()

    def _make_menu(self) -> QMenu:
        return window_menu(self, self.actions_by_name, self._theme, self._workspace)

    def make_chat_menu(self, chat_id: str) -> QMenu:
        return chat_menu(
            self,
            self._theme,
            rename=lambda: self.sidebar.rename(chat_id),
            delete=lambda: self._workspace.delete_chat(chat_id),
        )

    def _open_chat_menu(self, chat_id: str, place: QPoint) -> None:
        menu = self.make_chat_menu(chat_id)
        menu.exec(place)
        menu.deleteLater()

    # From one run to the next

    def _restore(self) -> None:
        kept = self._workspace.kept
        self.restoreGeometry(kept.shape("geometry"))
        self.frame.restoreState(kept.shape("splitter"))
        self.frame.show_sidebar(is_shown=kept.text("sidebar") != "hidden")
        self.frame.show_inspector(is_shown=kept.text("inspector") == "shown")
        try:
            self._set_zoom(float(kept.text("zoom") or 1.0))
        except ValueError:
            self._set_zoom(1.0)

    def _save(self) -> None:
        kept = self._workspace.kept
        kept.set_shape("geometry", self.saveGeometry())
        kept.set_shape("splitter", self.frame.saveState())
        kept.set_text("sidebar", "hidden" if self.sidebar.isHidden() else "shown")
        kept.set_text("inspector", "hidden" if self.inspector.isHidden() else "shown")
        kept.set_text("zoom", str(self._zoom))
        self._workspace.save()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._save()
        super().closeEvent(event)
