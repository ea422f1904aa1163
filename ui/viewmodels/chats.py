"""The list of chats, newest first: all, or what a search finds. More are fetched as the reader scrolls."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime, timedelta
from enum import StrEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from app.client.protocol import (
    ChangeChat,
    ChatPage,
    Command,
    DeleteChat,
    ListChats,
    Refused,
    Reply,
    RestoreChat,
    Snapshot,
)
from app.domain.chat import Chat
from app.events import ChatChanged, ChatRemoved, Event
from ui.bridge import Bridge

AnyIndex = QModelIndex | QPersistentModelIndex
CHAT_ROLE = Qt.ItemDataRole.UserRole
AGE_ROLE = Qt.ItemDataRole.UserRole + 1
SEARCH_AFTER_MS = 120  # of no typing

_TOP = QModelIndex()


class Age(StrEnum):
    """How long ago a chat was last touched, as the list groups it."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"
    MONTH = "month"
    OLDER = "older"


class ChatList(QAbstractListModel):
    """`CHAT_ROLE` is the Chat, `AGE_ROLE` its Age, the display role its title (empty for one without)."""

    removed = Signal(str)
    refused = Signal(object)  # Notice
    searched = Signal()  # what is listed is what was asked for

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._chats: list[Chat] = []
        self._has_more = False
        self._is_fetching = False
        self._is_removing = False
        self._is_known = False
        self._query = ""
        self._awaited: ListChats | None = None  # the last list that was asked for, until its reply
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(SEARCH_AFTER_MS)
        self._pause.timeout.connect(self._look)
        bridge.snapshot_taken.connect(self._on_snapshot)
        bridge.happened.connect(self._on_event)

    @property
    def is_removing(self) -> bool:
        """Whether a row is just going: a view's current row then moves without anybody having moved it."""
        return self._is_removing

    @property
    def is_known(self) -> bool:
        """Whether the host has told which chats there are."""
        return self._is_known

    @property
    def query(self) -> str:
        return self._query

    @property
    def is_searching(self) -> bool:
        """Whether what is listed is not yet what was asked for."""
        return self._pause.isActive() or self._awaited is not None

    def search(self, query: str) -> None:
        """Lists the chats that have these words in their title or texts; all of them for no words."""
        query = query.strip()
        if query == self._query:
            return
        self._query = query
        self._awaited = None
        if query:
            self._pause.start()
        else:
            self._look()

    def chat(self, chat_id: str | None) -> Chat | None:
        return next((chat for chat in self._chats if chat.id == chat_id), None)

    def row_of(self, chat_id: str | None) -> int:
        """Returns -1 for a chat that is not listed."""
        return next((row for row, chat in enumerate(self._chats) if chat.id == chat_id), -1)

    def rename(self, chat_id: str, title: str) -> None:
        self._ask(ChangeChat(chat_id=chat_id, title=title))

    def delete(self, chat_id: str) -> None:
        """Moves a chat to the trash, from where `restore` brings it back."""
        self._ask(DeleteChat(chat_id=chat_id))

    def restore(self, chat_id: str) -> None:
        self._ask(RestoreChat(chat_id=chat_id))

    # Qt's side

    def rowCount(self, parent: AnyIndex = _TOP) -> int:
        return 0 if parent.isValid() else len(self._chats)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._chats):
            return None
        chat = self._chats[index.row()]
        if role == CHAT_ROLE:
            return chat
        if role == AGE_ROLE:
            return age_of(chat.updated_ms, datetime.now().astimezone().date())
        return chat.title if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole) else None

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable

    def setData(self, index: AnyIndex, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Renames; the new title is shown once the host has it."""
        title = str(value).strip()
        if not index.isValid() or role != Qt.ItemDataRole.EditRole or not title:
            return False
        chat = self._chats[index.row()]
        if title != chat.title:
            self.rename(chat.id, title)
        return True

    def canFetchMore(self, parent: AnyIndex) -> bool:
        return not parent.isValid() and self._has_more and not self._is_fetching

    def fetchMore(self, parent: AnyIndex) -> None:
        if self.canFetchMore(parent):
            self._is_fetching = True
            query = self._query
            self._ask_for_page(query, overlap_ms=1)  # or others of the last one's moment would be left out

    # The host's side

    def _ask_for_page(self, query: str, overlap_ms: int) -> None:
        command = ListChats(query=query, before_ms=self._chats[-1].updated_ms + overlap_ms)
        self._bridge.ask(command, lambda reply: self._on_page(query, reply, overlap_ms))

    def _ask(self, command: Command) -> None:
        self._bridge.ask(command, self._on_reply)

    def _on_reply(self, reply: Reply) -> None:
        if isinstance(reply, Refused):
            self.refused.emit(reply.notice)

    def _look(self) -> None:
        """Asks for the list anew."""
        self._pause.stop()
        command = ListChats(query=self._query)
        self._awaited = command
        self._bridge.ask(command, lambda reply: self._on_found(command, reply))

    def _on_found(self, command: ListChats, reply: Reply) -> None:
        if command is not self._awaited:
            return  # something else was asked since
        self._awaited = None
        if isinstance(reply, ChatPage):
            self._take(list(reply.chats), has_more=reply.has_more)
        elif isinstance(reply, Refused):
            self.refused.emit(reply.notice)
        self.searched.emit()

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self._is_known = True
        if self._query:
            self._look()
        else:
            self._awaited = None
            self._take(list(snapshot.chats), has_more=snapshot.has_more_chats)
            self.searched.emit()

    def _take(self, chats: list[Chat], *, has_more: bool) -> None:
        self._has_more = has_more
        self._is_fetching = False
        if chats == self._chats:
            return
        self.beginResetModel()
        self._chats = chats
        self.endResetModel()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, ChatChanged):
            self._put(event.chat)
        elif isinstance(event, ChatRemoved):
            self._remove(event.chat_id)
            self.removed.emit(event.chat_id)

    def _on_page(self, query: str, reply: Reply, overlap_ms: int) -> None:
        if query != self._query:
            return  # of another list
        self._is_fetching = False
        if not isinstance(reply, ChatPage):
            return
        known = {chat.id for chat in self._chats}
        fresh = [chat for chat in reply.chats if chat.id not in known]
        if reply.has_more and not fresh and overlap_ms and self._chats:
            self._is_fetching = True
            self._ask_for_page(query, overlap_ms=0)  # a page full of one moment: on past it
            return
        self._has_more = reply.has_more and bool(fresh)
        if fresh:
            start = len(self._chats)
            self.beginInsertRows(QModelIndex(), start, start + len(fresh) - 1)
            self._chats += fresh
            self.endInsertRows()

    def _put(self, chat: Chat) -> None:
        """Sets a chat, and moves it to where it belongs now."""
        row = self.row_of(chat.id)
        if row >= 0 and self._chats[row].updated_ms == chat.updated_ms:
            self._chats[row] = chat
            self._tell_changed(row)
            return
        if row < 0 and self._query:
            self._pause.start()  # it may have the words now
            return
        others = self._chats if row < 0 else self._chats[:row] + self._chats[row + 1 :]
        place = bisect_left(others, _order(chat), key=_order)
        if row < 0:
            if place == len(others) and self._has_more:
                return  # it is among those not fetched yet
            self.beginInsertRows(QModelIndex(), place, place)
            self._chats.insert(place, chat)
            self.endInsertRows()
        elif place == row:
            self._chats[row] = chat
            self._tell_changed(row)
        else:
            # Qt counts the target among the rows as they are before the move.
            self.beginMoveRows(QModelIndex(), row, row, QModelIndex(), place if place < row else place + 1)
            self._chats = [*others[:place], chat, *others[place:]]
            self.endMoveRows()
            self._tell_changed(place)

    def _remove(self, chat_id: str) -> None:
        row = self.row_of(chat_id)
        if row >= 0:
            self._is_removing = True
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._chats[row]
            self.endRemoveRows()
            self._is_removing = False

    def _tell_changed(self, row: int) -> None:
        index = self.index(row)
        self.dataChanged.emit(index, index)


def _order(chat: Chat) -> tuple[int, int]:
    """The host's: newest first, and of the same moment the one made last."""
    return -chat.updated_ms, -chat.created_ms


def age_of(moment_ms: int, today: date) -> Age:
    day = datetime.fromtimestamp(moment_ms / 1000).astimezone().date()
    if day >= today:
        return Age.TODAY
    if day == today - timedelta(days=1):
        return Age.YESTERDAY
    if day > today - timedelta(days=7):
        return Age.WEEK
    return Age.MONTH if day > today - timedelta(days=30) else Age.OLDER
