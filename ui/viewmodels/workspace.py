"""The window's state as a whole: builds the view-models, joins them, and carries out what banners offer."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.client.protocol import Snapshot
from app.domain.notice import Action, Notice, NoticeCode
from app.domain.transfer import Transfer, TransferState
from app.events import ChatRemoved, Event, NoticeRaised, TransferChanged
from ui.bridge import Bridge
from ui.viewmodels.chats import ChatList
from ui.viewmodels.composer import Composer
from ui.viewmodels.getting import Getting
from ui.viewmodels.inspector import Inspector
from ui.viewmodels.kept import Kept
from ui.viewmodels.models import Models
from ui.viewmodels.notices import Banner, Notices
from ui.viewmodels.recommendations import Recommendations
from ui.viewmodels.room import Room
from ui.viewmodels.session import Session
from ui.viewmodels.transcript import Transcript
from ui.viewmodels.transfers import Transfers

LOGS, MODELS = "logs", "models"  # folders of the home
THEME_SETTING = "appearance.theme"
LANGUAGE_SETTING = "appearance.language"
_LAST_CHAT = "chat"


class Workspace(QObject):
    """Owns every view-model. Views act through them and through `act`; what needs a widget is a signal."""

    model_choice_wanted = Signal()
    draft_wanted = Signal()  # the reader is to look at the text in the box
    folder_wanted = Signal(str)  # LOGS or MODELS

    def __init__(self, bridge: Bridge, kept: Kept, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kept = kept
        self.session = Session(bridge, self)
        self.chats = ChatList(bridge, self)
        self.transcript = Transcript(bridge, self)
        self.models = Models(bridge, self.session, self.transcript, self)
        self.composer = Composer(bridge, self.transcript, self.models, kept, self)
        self.room = Room(bridge, self.transcript, self.models, self.composer, self)
        self.inspector = Inspector(bridge, self.transcript, self.models, self.composer, self)
        self.transfers = Transfers(bridge, self)
        self.getting = Getting(bridge, self)
        self.recommendations = Recommendations(bridge, self.models, self.transfers, self)
        self.notices = Notices(self.session, self.transcript, self)
        self._failed_transfer: Transfer | None = None
        self._deleting: set[str] = set()  # chats, until the host says they are gone
        self._has_chosen = False  # whether the reader has been anywhere yet
        self._join()
        bridge.happened.connect(self._on_event)
        bridge.snapshot_taken.connect(self._on_snapshot)

    def new_chat(self) -> None:
        self._has_chosen = True
        if self.transcript.chat_id is not None:
            self.transcript.open(None)

    def open_chat(self, chat_id: str) -> None:
        self._has_chosen = True
        if self.transcript.chat_id != chat_id:
            self.transcript.open(chat_id)

    def delete_chat(self, chat_id: str | None) -> None:
        """Moves a chat to the trash; once it is gone, a banner offers to bring it back."""
        if chat_id is not None:
            self._deleting.add(chat_id)
            self.chats.delete(chat_id)

    def restore_chat(self, chat_id: str) -> None:
        self.chats.restore(chat_id)
        self.notices.clear()

    def choose_theme(self, choice: str) -> None:
        self.session.change_setting(THEME_SETTING, choice)

    @property
    def language(self) -> str:
        """The language that was chosen, or "system"."""
        return str(self.session.setting(LANGUAGE_SETTING, "system"))

    def choose_language(self, choice: str) -> None:
        self.session.change_setting(LANGUAGE_SETTING, choice)

    def offered(self, banner: Banner) -> tuple[Action, ...]:
        """The actions of a banner that the window can carry out; its words say the rest."""
        return tuple(action for action in banner.actions if self._deed(action, banner) is not None)

    def act(self, action: Action, banner: Banner) -> None:
        """Carries out an action that a banner offered."""
        deed = self._deed(action, banner)
        if deed is not None:
            deed()

    def retry_answer(self, answer_id: str) -> None:
        """Goes on with an answer; with another model chosen meanwhile, begins one beside it."""
        answer = next((known for known in self.transcript.messages if known.id == answer_id), None)
        selected = self.models.selected
        if answer is None:
            return
        if selected is not None and answer.model_id not in (None, selected.id):
            self.transcript.regenerate(answer_id, selected.id)
        else:
            self.transcript.continue_answer(answer_id)

    def regenerate(self, answer_id: str) -> None:
        selected = self.models.selected
        self.transcript.regenerate(answer_id, selected.id if selected is not None else None)

    def save(self) -> None:
        self.inspector.flush()
        self.kept.save()

    def _deed(self, action: Action, banner: Banner) -> Callable[[], None] | None:
        """Returns what an action does for this banner, or None when there is nothing the window can do."""
        answer_id = banner.answer_id
        if answer_id is not None and action in (Action.RETRY, Action.CONTINUE_ANSWER):
            return lambda: self.retry_answer(answer_id)
        deeds: dict[Action, Callable[[], None]] = {
            Action.RETRY: self.notices.retry,
            Action.ANSWER_NOW: self.transcript.answer_now,
            Action.CHOOSE_MODEL: self.model_choice_wanted.emit,
            Action.OPEN_LOG: lambda: self.folder_wanted.emit(LOGS),
            Action.FREE_DISK: lambda: self.folder_wanted.emit(MODELS),
            Action.GO_ONLINE: self._go_online,
        }
        if answer_id is None:
            deeds[Action.SHORTEN] = self.draft_wanted.emit
        if self._failed_transfer is not None:
            deeds[Action.RESUME_DOWNLOAD] = self._resume_transfer
        if self._lost_download() is not None:
            deeds[Action.PULL_AGAIN] = self._pull_again
        return deeds.get(action)

    def _go_online(self) -> None:
        self.session.change_setting("network.offline", False)
        self.notices.retry()

    def _resume_transfer(self) -> None:
        if self._failed_transfer is not None:
            self.transfers.resume(self._failed_transfer.id)
            self.notices.clear()

    def _pull_again(self) -> None:
        source = self._lost_download()
        if source is not None:
            self.transfers.pull(*source)
            self.notices.clear()

    def _lost_download(self) -> tuple[str, str | None] | None:
        """The repo and quant that pulling again would fetch."""
        if self._failed_transfer is not None:
            return self._failed_transfer.repo, self._failed_transfer.quant or None
        selected = self.models.selected
        if selected is None or selected.source is None:
            return None
        return selected.source.repo, selected.quant or None

    def _join(self) -> None:
        raise_notice = self.notices.raise_notice
        self.session.refused.connect(raise_notice)
        self.chats.refused.connect(raise_notice)
        self.models.refused.connect(raise_notice)
        self.models.load_failed.connect(self._on_load_failed)
        self.composer.refused.connect(lambda notice: raise_notice(notice, self.composer.send))
        self.composer.sent.connect(self.notices.clear)
        self.inspector.refused.connect(raise_notice)
        self.transfers.refused.connect(raise_notice)
        self.transcript.opened.connect(self._keep_place)
        self.transcript.refused.connect(raise_notice)
        self.transcript.unread.connect(self._on_unread)
        self.transcript.lost.connect(self._on_lost)

    def _keep_place(self) -> None:
        """At once: a window may be killed."""
        self.kept.set_text(_LAST_CHAT, self.transcript.chat_id or "")

    def _on_load_failed(self, model_id: str, notice: Notice) -> None:
        # An answer that waited for the model tells it better: with what was kept and a way on.
        if self.transcript.streaming is None and notice.code is not NoticeCode.MODEL_LOAD_CANCELLED:
            self.notices.raise_notice(notice, lambda: self.models.load(model_id))

    def _on_unread(self, notice: Notice) -> None:
        chat_id = self.transcript.chat_id
        self.notices.raise_notice(notice, lambda: self.transcript.open(chat_id))

    def _on_lost(self, chat_id: str) -> None:
        if self.composer.text:
            self.notices.raise_notice(Notice(code=NoticeCode.CHAT_NOT_FOUND, facts={"chat_id": chat_id}))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, NoticeRaised):
            self.notices.raise_notice(event.notice)
        elif isinstance(event, TransferChanged):
            self._take_transfer(event.transfer)
        elif isinstance(event, ChatRemoved) and event.chat_id in self._deleting:
            self._deleting.discard(event.chat_id)
            self.notices.raise_deleted(event.chat_id)

    def _take_transfer(self, transfer: Transfer) -> None:
        failed = self._failed_transfer
        if transfer.state is TransferState.FAILED and transfer.notice is not None:
            self._failed_transfer = transfer
            self.notices.raise_notice(transfer.notice, lambda: self.transfers.resume(transfer.id))
        elif failed is not None and failed.id == transfer.id:
            self._failed_transfer = None

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        """The first one: goes back to where the reader was."""
        if not self._has_chosen:
            self._has_chosen = True
            chat_id = self.kept.text(_LAST_CHAT)
            if any(chat.id == chat_id for chat in snapshot.chats):
                self.transcript.open(chat_id)
