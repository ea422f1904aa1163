"""What is to be known now, over the composer and never in a dialog: words, with buttons for what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QPushButton, QWidget

from app.domain.notice import NoticeCode
from ui.texts import Words, action_text, notice_words
from ui.theme import Theme
from ui.viewmodels.notices import Banner, Kind, Level
from ui.viewmodels.workspace import Workspace
from ui.widgets.buttons import icon_button, push_button
from ui.widgets.labels import Sign, label

_ICON_PX = 20
# Words that would need more lines than this beside the buttons have them under themselves.
_MOST_LINES_BESIDE = 2
_SIGNS = {Level.INFO: ("info", "accent"), Level.WARN: ("warning", "warn"), Level.BAD: ("error", "bad")}


class BannerView(QFrame):
    """Hidden while there is nothing to say."""

    def __init__(self, workspace: Workspace, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._theme = theme
        self._buttons: list[QPushButton] = []
        self.setObjectName("banner")
        self._sign = Sign(_ICON_PX)
        self._words = label(wraps=True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._close = icon_button(theme, "close", self.tr("Dismiss"))
        self._close.clicked.connect(workspace.notices.dismiss)
        self._build()
        workspace.notices.changed.connect(self._show)
        self._show()

    @property
    def text(self) -> str:
        return self._words.text()

    @property
    def buttons(self) -> list[QPushButton]:
        return self._buttons

    def _build(self) -> None:
        self._bar = QWidget()
        self._bar_row = QHBoxLayout(self._bar)
        self._bar_row.setContentsMargins(0, 0, 0, 0)
        self._bar_row.setSpacing(8)
        self._bar_row.addStretch(1)
        self._middle = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._middle.setSpacing(8)
        self._middle.addWidget(self._words, 1)
        self._middle.addWidget(self._bar)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 8, 8, 8)
        self._row.setSpacing(8)
        self._row.addWidget(self._sign)
        self._row.addLayout(self._middle, 1)
        self._row.addWidget(self._close)

    def _show(self) -> None:
        banner = self._workspace.notices.banner
        self.setVisible(banner is not None)
        self._clear_buttons()
        if banner is None:
            return
        words = self._words_of(banner)
        icon, token = _SIGNS[banner.level]
        self._theme.dress(self._sign, icon, token, _ICON_PX)
        self._words.setText(words.whole)
        self.setAccessibleName(words.whole)
        self.setProperty("level", banner.level.value)
        self.style().unpolish(self)
        self.style().polish(self)
        self._close.setVisible(banner.can_dismiss)
        for action in self._workspace.offered(banner):
            self._add_button(action_text(action), partial(self._workspace.act, action, banner))
        if banner.chat_id is not None:
            self._add_button(self.tr("Undo"), partial(self._workspace.restore_chat, banner.chat_id))
        if banner.notice is not None and banner.notice.code is NoticeCode.HOST_NEWER:
            self._add_button(self.tr("Close window"), lambda: self.window().close())
        self._bar.setVisible(bool(self._buttons))
        self._arrange()

    def _words_of(self, banner: Banner) -> Words:
        if banner.kind is Kind.RECONNECTING:
            return Words(
                self.tr("Cove's background process stopped and is being started again."),
                self.tr("Chats and what you typed are kept."),
            )
        if banner.kind is Kind.INTERRUPTED:
            happened = self.tr("The answer was interrupted.")
            return Words(happened, self.tr("What was written of it is kept."))
        if banner.kind is Kind.DELETED:
            return Words(self.tr("The chat was moved to the trash."))
        assert banner.notice is not None
        return notice_words(banner.notice)

    def _add_button(self, text: str, deed: Callable[[], None]) -> None:
        button = push_button(text, "" if self._buttons else "first")
        button.clicked.connect(lambda: deed())
        self._bar_row.addWidget(button)
        self._buttons.append(button)

    def _clear_buttons(self) -> None:
        for button in self._buttons:
            self._bar_row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = []

    def _arrange(self) -> None:
        """Puts the buttons beside the words, or under them where the words would become a tower."""
        chrome = 2 * _ICON_PX + 60
        beside = self.width() - chrome - self._bar.sizeHint().width()
        needed = self._words.fontMetrics().horizontalAdvance(self._words.text())
        is_under = bool(self._buttons) and needed > beside * (_MOST_LINES_BESIDE - 0.2)
        direction = QBoxLayout.Direction.TopToBottom if is_under else QBoxLayout.Direction.LeftToRight
        self._middle.setDirection(direction)
        place = Qt.AlignmentFlag.AlignTop if is_under else Qt.AlignmentFlag.AlignVCenter
        for widget in (self._sign, self._close):
            self._row.setAlignment(widget, place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
