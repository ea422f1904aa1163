"""The chats, by day, newest first; and the downloads on their way under them."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import QAction, QFocusEvent, QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.domain.chat import Chat
from ui.theme import INTERFACE_PT, Theme
from ui.viewmodels.chats import AGE_ROLE, CHAT_ROLE, Age, ChatList
from ui.viewmodels.transcript import Transcript
from ui.viewmodels.transfers import Transfers
from ui.views.transfer_rows import TransferRows
from ui.widgets.buttons import icon_button, push_button
from ui.widgets.labels import label

WIDTH_PX = 248
_ROW_PX = 34
_HEADING_PX = 30
_HEADING_PT = INTERFACE_PT * 0.85
_RADIUS_PX = 8
_AnyIndex = QModelIndex | QPersistentModelIndex


class ChatDelegate(QStyledItemDelegate):
    """Draws a chat's title in a rounded row, and the day's name over the first of each day."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: _AnyIndex) -> QSize:
        return QSize(0, _ROW_PX + (_HEADING_PX if self._heads(index) else 0))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _AnyIndex) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRect(option.rect)
        if self._heads(index):
            heading = QRect(rect.left() + 2, rect.top(), rect.width() - 2, _HEADING_PX - 4)
            self._draw_heading(painter, heading, index.data(AGE_ROLE))
            rect.setTop(rect.top() + _HEADING_PX)
        self._draw_row(painter, rect.adjusted(0, 1, 0, -1), option, index)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _AnyIndex) -> QWidget:
        editor = super().createEditor(parent, option, index)
        editor.setAccessibleName(self.tr("Title of the chat"))
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: _AnyIndex) -> None:
        rect = QRect(option.rect)
        if self._heads(index):
            rect.setTop(rect.top() + _HEADING_PX)
        editor.setGeometry(rect)

    def _heads(self, index: _AnyIndex) -> bool:
        """Whether a chat is the first of its age."""
        above = index.model().index(index.row() - 1, 0) if index.row() > 0 else QModelIndex()
        return not above.isValid() or above.data(AGE_ROLE) != index.data(AGE_ROLE)

    def _draw_heading(self, painter: QPainter, rect: QRect, age: Age) -> None:
        font = QFont(painter.font())
        font.setPointSizeF(_HEADING_PT)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(self._theme.color("muted"))
        painter.drawText(rect, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, self._age_text(age))

    def _draw_row(
        self, painter: QPainter, rect: QRect, option: QStyleOptionViewItem, index: _AnyIndex
    ) -> None:
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        is_hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if is_selected or is_hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("bubble" if is_selected else "hover"))
            painter.drawRoundedRect(rect, _RADIUS_PX, _RADIUS_PX)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(self._theme.color("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(0, 0, -1, -1), _RADIUS_PX, _RADIUS_PX)
        title = index.data(Qt.ItemDataRole.DisplayRole)
        painter.setFont(option.font)
        painter.setPen(self._theme.color("text" if title else "muted"))
        inner = rect.adjusted(10, 0, -8, 0)
        shown = painter.fontMetrics().elidedText(
            title or self.tr("New chat"), Qt.TextElideMode.ElideRight, inner.width()
        )
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)

    def _age_text(self, age: Age) -> str:
        return {
            Age.TODAY: self.tr("Today"),
            Age.YESTERDAY: self.tr("Yesterday"),
            Age.WEEK: self.tr("Last seven days"),
            Age.MONTH: self.tr("Last thirty days"),
            Age.OLDER: self.tr("Older"),
        }[age]


class SearchField(QLineEdit):
    """Esc empties it, and leaves it when it is empty; Down and Enter go on to what was found."""

    left = Signal()
    down_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("search")
        self.setPlaceholderText(self.tr("Search chats"))
        self.setAccessibleName(self.tr("Search chats"))
        sign = self._action(self.tr("Search chats"), QLineEdit.ActionPosition.LeadingPosition)
        theme.dress(sign, "search", "muted")
        sign.triggered.connect(self.selectAll)
        self.clearing = self._action(self.tr("Clear the search"), QLineEdit.ActionPosition.TrailingPosition)
        theme.dress(self.clearing, "close", "muted")
        self.clearing.triggered.connect(self.clear)
        self.clearing.setVisible(False)
        self.textChanged.connect(lambda text: self.clearing.setVisible(bool(text)))

    def _action(self, name: str, place: QLineEdit.ActionPosition) -> QAction:
        action = QAction(name, self)
        self.addAction(action, place)
        return action

    def event(self, event: QEvent) -> bool:
        """Esc is for what has the focus, also while an answer could be stopped by it."""
        is_override = event.type() == QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            if self.text():
                self.clear()
            else:
                self.left.emit()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.down_wanted.emit()
        else:
            super().keyPressEvent(event)


class ChatListView(QListView):
    """Enter goes on to write in the chosen chat, Delete moves it to the trash."""

    entered = Signal(str)
    delete_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.is_arriving = False  # the row that has the focus then is not one that somebody has chosen

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.is_arriving = True
        super().focusInEvent(event)
        if not self.currentIndex().isValid():  # or nobody would see where the focus is
            first = self.model().index(0, 0)
            self.selectionModel().setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.is_arriving = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        chat = self.currentIndex().data(CHAT_ROLE)
        is_editing = self.state() is QListView.State.EditingState  # the line leaves its Enter to the list
        if is_editing or not isinstance(chat, Chat):
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Delete:
            self.delete_wanted.emit(chat.id)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit(chat.id)
        else:
            super().keyPressEvent(event)


class Sidebar(QFrame):
    """Selecting a chat opens it; the open chat is the selected one."""

    chat_wanted = Signal(str)
    chat_clicked = Signal()  # or Enter: the reader goes on to write
    search_left = Signal()
    new_wanted = Signal()
    hide_wanted = Signal()
    menu_wanted = Signal()  # of the whole window
    delete_wanted = Signal(str)
    chat_menu_wanted = Signal(str, QPoint)

    def __init__(self, chats: ChatList, transcript: Transcript, transfers: Transfers, theme: Theme) -> None:
        super().__init__()
        self._chats = chats
        self._transcript = transcript
        self._is_following = False
        self.setObjectName("sidebar")
        self.list = self._build_list(theme)
        self.new_button = push_button(self.tr("New chat"), "row")
        theme.dress(self.new_button, "plus")
        self.new_button.clicked.connect(self.new_wanted)
        hide = icon_button(theme, "sidebar", self.tr("Hide chats"))
        hide.clicked.connect(self.hide_wanted)
        self.menu_button = push_button(self.tr("Menu"), "way")
        theme.dress(self.menu_button, "more", "muted")
        self.menu_button.clicked.connect(self.menu_wanted)
        self.search = SearchField(theme)
        self.nothing = label(kind="muted", wraps=True)
        self.nothing.setContentsMargins(2, 4, 0, 0)
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.new_button, 1)
        top.addWidget(hide)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 10)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.search)
        column.addWidget(self.nothing)
        column.addWidget(self.list, 1)
        self._transfer_rows = TransferRows(transfers, theme)
        column.addWidget(self._transfer_rows)
        column.addWidget(self.menu_button)
        self._join()

    def begin_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def end_search(self) -> None:
        """Lists all chats again."""
        self.search.clear()

    def rename(self, chat_id: str | None) -> None:
        """Lets a chat's title be edited in its place."""
        row = self._chats.row_of(chat_id)
        if row >= 0:
            self.list.edit(self._chats.index(row))
            editor = self.list.findChild(QLineEdit)
            if editor is not None:  # all of it is chosen; a long one is seen from its beginning
                editor.setSelection(len(editor.text()), -len(editor.text()))

    def step(self, rows: int) -> None:
        """Opens the chat so many rows further down."""
        count = self._chats.rowCount()
        if count:
            row = self._chats.row_of(self._transcript.chat_id)
            self._go_to(min(max(row + rows, 0), count - 1))

    def _build_list(self, theme: Theme) -> ChatListView:
        view = ChatListView()
        view.setModel(self._chats)
        view.setItemDelegate(ChatDelegate(theme, view))
        view.setMouseTracking(True)
        view.setEditTriggers(QListView.EditTrigger.EditKeyPressed)
        view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setAccessibleName(self.tr("Chats"))
        view.customContextMenuRequested.connect(self._on_context_menu)
        view.clicked.connect(lambda index: self._on_entered(index.data(CHAT_ROLE).id))
        view.entered.connect(self._on_entered)
        view.delete_wanted.connect(self.delete_wanted)
        return view

    def _join(self) -> None:
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.search.textChanged.connect(self._chats.search)
        self.search.down_wanted.connect(self._go_to_first)
        self.search.left.connect(self.search_left)
        for changed in (*self._changes(), self._chats.searched):
            changed.connect(self._show_nothing)
        self._show_nothing()
        self._transcript.opened.connect(self._follow)
        for changed in self._changes():
            changed.connect(self._follow)
            # The row under a moved one may have got or lost the day's name.
            changed.connect(self.list.scheduleDelayedItemsLayout)

    def _changes(self) -> tuple[SignalInstance, ...]:
        chats = self._chats
        return (chats.rowsInserted, chats.rowsMoved, chats.rowsRemoved, chats.modelReset)

    def _go_to_first(self) -> None:
        """Goes on to the first chat of the list, once that is what was searched for."""
        if self._chats.rowCount() and not self._chats.is_searching:
            self.list.setFocus(Qt.FocusReason.OtherFocusReason)
            self._go_to(0)

    def _go_to(self, row: int) -> None:
        """Opens the chat of a row, also where the focus is in it already."""
        index = self._chats.index(row)
        self.list.setCurrentIndex(index)
        self.chat_wanted.emit(index.data(CHAT_ROLE).id)

    def _show_nothing(self) -> None:
        is_search = bool(self._chats.query)
        words = (
            self.tr("No chat has these words.") if is_search else self.tr("Your chats will be listed here.")
        )
        self.nothing.setText(words)
        self.nothing.setVisible(self._chats.is_known and not self._chats.rowCount())

    def _on_current(self, current: QModelIndex, previous: QModelIndex) -> None:
        chat = current.data(CHAT_ROLE)
        is_by_reader = not (self._is_following or self._chats.is_removing or self.list.is_arriving)
        if isinstance(chat, Chat) and is_by_reader:
            self.chat_wanted.emit(chat.id)

    def _on_entered(self, chat_id: str) -> None:
        self.chat_wanted.emit(chat_id)
        self.chat_clicked.emit()

    def _follow(self) -> None:
        """Selects the open chat without opening it once more."""
        self._is_following = True
        try:
            row = self._chats.row_of(self._transcript.chat_id)
            if row < 0 and self.list.hasFocus():
                self.list.clearSelection()  # and one still sees where one is
            elif row < 0:
                self.list.setCurrentIndex(QModelIndex())
            elif not self.list.selectionModel().isSelected(self._chats.index(row)):
                self.list.setCurrentIndex(self._chats.index(row))
        finally:
            self._is_following = False

    def _on_context_menu(self, place: QPoint) -> None:
        chat = self.list.indexAt(place).data(CHAT_ROLE)
        if isinstance(chat, Chat):
            self.chat_menu_wanted.emit(chat.id, self.list.viewport().mapToGlobal(place))
