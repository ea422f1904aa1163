"""How the parts of the window stand: a drawer on either side, the conversation between them.

Knows which drawers are shown and what may stand beside what; not what any part does.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from ui.theme import COLUMN_PX, Theme
from ui.views.inspector import INSPECTOR_PX
from ui.views.sidebar import WIDTH_PX
from ui.widgets.buttons import icon_button

USUAL_SIZE = (1240, 800)
_COMPOSER_PX = COLUMN_PX + 24
_BOTH_SIDES_PX = 900  # from here on there is room for a drawer on either side
_SIDEBAR_RANGE, _INSPECTOR_RANGE = (180, 420), (240, 420)


class Frame(QSplitter):
    """`middle` shows one of `pages`; `foot` is what stands under it, from above."""

    new_wanted = Signal()
    menu_wanted = Signal()
    sidebar_wanted = Signal()  # to be shown or hidden
    inspector_wanted = Signal()

    def __init__(
        self,
        theme: Theme,
        sidebar: QWidget,
        picker: QWidget,
        pages: tuple[QWidget, ...],
        foot: tuple[QWidget, ...],
        inspector: QWidget,
    ) -> None:
        super().__init__()
        self.sidebar, self.inspector = sidebar, inspector
        self.head = self._build_head(theme, picker)
        self.pages = QStackedWidget()
        for page in pages:
            self.pages.addWidget(page)
        middle = QWidget()
        middle.setObjectName("canvas")
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self.pages, 1)
        column.addWidget(_build_foot(foot))
        self.setHandleWidth(1)
        self.setChildrenCollapsible(False)
        for part in (sidebar, middle, inspector):
            self.addWidget(part)
        self.setStretchFactor(1, 1)
        for drawer, (least, most) in ((sidebar, _SIDEBAR_RANGE), (inspector, _INSPECTOR_RANGE)):
            drawer.setMinimumWidth(least)
            drawer.setMaximumWidth(most)
        self.setSizes([WIDTH_PX, USUAL_SIZE[0] - WIDTH_PX - INSPECTOR_PX, INSPECTOR_PX])

    def show_sidebar(self, *, is_shown: bool) -> None:
        self.sidebar.setVisible(is_shown)
        for button in (self.show_chats, self.new_chat, self.menu):
            button.setVisible(not is_shown)
        if is_shown and self.window().width() < _BOTH_SIDES_PX:
            self.show_inspector(is_shown=False)

    def show_inspector(self, *, is_shown: bool) -> None:
        self.inspector.setVisible(is_shown)
        self.show_settings.setVisible(not is_shown)
        if is_shown and self.window().width() < _BOTH_SIDES_PX:
            self.show_sidebar(is_shown=False)

    def _build_head(self, theme: Theme, picker: QWidget) -> QWidget:
        head = QWidget()
        row = QHBoxLayout(head)
        row.setContentsMargins(20, 12, 20, 10)
        row.setSpacing(8)
        self.show_chats = icon_button(theme, "sidebar", self.tr("Show chats"))
        self.show_chats.clicked.connect(self.sidebar_wanted)
        self.new_chat = icon_button(theme, "plus", self.tr("New chat"))
        self.new_chat.clicked.connect(self.new_wanted)
        self.menu = icon_button(theme, "more", self.tr("Menu"))
        self.menu.clicked.connect(self.menu_wanted)
        self.show_settings = icon_button(theme, "inspector", self.tr("Show chat settings"))
        self.show_settings.clicked.connect(self.inspector_wanted)
        for button in (self.show_chats, self.new_chat):
            row.addWidget(button)
        row.addWidget(picker, 1)
        for button in (self.show_settings, self.menu):
            row.addWidget(button)
        return head


def _build_foot(parts: tuple[QWidget, ...]) -> QWidget:
    foot = QWidget()
    inner = QWidget()
    inner.setMaximumWidth(_COMPOSER_PX)
    column = QVBoxLayout(inner)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    for part in parts:
        column.addWidget(part)
    row = QHBoxLayout(foot)
    row.setContentsMargins(16, 6, 16, 14)
    row.addStretch(1)
    row.addWidget(inner, 1000)
    row.addStretch(1)
    return foot
