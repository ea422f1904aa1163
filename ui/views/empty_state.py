"""A chat that has not begun: which model will answer, a line about it, and three things to try.

Before anything else was done here it also says what Cove is; while there is no model but the starter, three
that suit this machine are offered. It scrolls where the window is small.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.domain.transfer import Transfer, TransferState
from ui.texts import SEPARATOR, model_line, model_title, transfer_text, transfer_title
from ui.theme import application_icon
from ui.viewmodels.chats import ChatList
from ui.viewmodels.models import Models
from ui.viewmodels.recommendations import Recommendations
from ui.viewmodels.session import Link, Session
from ui.viewmodels.transfers import TRANSFER_ROLE, Transfers
from ui.views.offer_cards import OfferCards
from ui.widgets.buttons import push_button
from ui.widgets.labels import Sign, label

_WIDTH_PX = 560
_ICON_PX = 56
_MOVING = (TransferState.QUEUED, TransferState.RUNNING, TransferState.VERIFYING)


class EmptyState(QScrollArea):
    suggested = Signal(str)
    get_wanted = Signal()  # a model
    file_wanted = Signal()

    def __init__(
        self,
        models: Models,
        session: Session,
        chats: ChatList,
        transfers: Transfers,
        recommendations: Recommendations,
    ) -> None:
        super().__init__()
        self._recommendations = recommendations
        self._models = models
        self._session = session
        self._chats = chats
        self._transfers = transfers
        self._sign = Sign(_ICON_PX)
        self._sign.setIcon(application_icon())
        self.welcome = label(self.tr("Welcome to Cove"), kind="muted")
        self._title = label(kind="title", wraps=True)
        self._line = label(kind="muted", wraps=True)
        for each in (self.welcome, self._title, self._line):
            each.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._suggestions = [self._suggestion(text) for text in self._texts()]
        self._heading = label(self.tr("Things to try"), "heading")
        self.offers = OfferCards(recommendations)
        self.get_button = push_button("")
        self.get_button.clicked.connect(self.get_wanted)
        self.open_button = push_button(self.tr("Open a model file…"), "link")
        self.open_button.clicked.connect(self.file_wanted)
        self._build()
        models.changed.connect(self._show)
        session.changed.connect(self._show)
        for rows in (chats, transfers):
            for changed in (rows.rowsInserted, rows.rowsRemoved, rows.modelReset):
                changed.connect(self._show)
        transfers.dataChanged.connect(self._show)
        recommendations.changed.connect(self._show)
        self._show()

    @property
    def title_text(self) -> str:
        return self._title.text()

    @property
    def line_text(self) -> str:
        return self._line.text()

    @property
    def suggestions(self) -> list[QPushButton]:
        return self._suggestions

    def _build(self) -> None:
        column = QVBoxLayout()
        column.setContentsMargins(12, 0, 12, 0)
        column.setSpacing(8)
        column.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.welcome)
        column.addWidget(self._title)
        column.addWidget(self._line)
        column.addSpacing(12)
        column.addWidget(self._heading)
        for button in self._suggestions:
            column.addWidget(button)
        column.addSpacing(4)
        column.addWidget(self.offers)
        for button in (self.get_button, self.open_button):
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        inner = QWidget()
        inner.setMaximumWidth(_WIDTH_PX)
        inner.setLayout(column)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(inner, 1000)
        row.addStretch(1)
        page = QWidget()
        page.setObjectName("canvas")
        self.setObjectName("canvas")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it has it
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setWidget(page)
        outer = QVBoxLayout(page)
        outer.addStretch(2)
        outer.addLayout(row)
        outer.addStretch(3)

    def _texts(self) -> list[str]:
        return [
            self.tr("Explain why the sky is blue, in three sentences"),
            self.tr("Write a friendly email that moves a meeting to Thursday"),
            self.tr("What is the capital of France, and what is it known for?"),
        ]

    def _suggestion(self, text: str) -> QPushButton:
        button = push_button(text, "suggestion", wraps=True)
        button.clicked.connect(lambda: self.suggested.emit(text))
        return button

    def _show(self, *_: object) -> None:
        title, line = self._words()
        self._title.setText(title)
        self._line.setText(line)
        self._line.setVisible(bool(line))
        model, has_begun = self._models.selected, self._session.has_begun
        is_first = self._chats.is_known and not self._chats.rowCount() and not self._chats.query
        for each in (self._sign, self.welcome):
            each.setVisible(is_first)
        for each in (self._heading, *self._suggestions):
            each.setVisible(model is not None)
        has_none = has_begun and model is None and self._coming is None
        has_offers = bool(self._recommendations.offers)
        self.get_button.setText(self._way_words(has_none=has_none, has_offers=has_offers))
        self.get_button.setVisible(has_none or self._models.has_only_starter)
        self._dress(is_primary=has_none and not has_offers)
        self.open_button.setVisible(has_none)

    def _way_words(self, *, has_none: bool, has_offers: bool) -> str:
        if has_offers:
            return self.tr("Another model from the Hub…")
        return self.tr("Get a model…") if has_none else self.tr("Get a larger model…")

    def _dress(self, *, is_primary: bool) -> None:
        kind = "primary" if is_primary else "link"
        if self.get_button.property("kind") != kind:
            self.get_button.setProperty("kind", kind)
            self.get_button.style().unpolish(self.get_button)
            self.get_button.style().polish(self.get_button)

    @property
    def _coming(self) -> Transfer | None:
        """A download that needs nobody."""
        transfers: list[Transfer] = [
            self._transfers.index(row).data(TRANSFER_ROLE) for row in range(self._transfers.rowCount())
        ]
        return next((each for each in transfers if each.state in _MOVING), None)

    def _words(self) -> tuple[str, str]:
        model = self._models.selected
        if model is not None:
            return model_title(model), model_line(model)
        if (coming := self._coming) is not None:
            line = SEPARATOR.join([transfer_title(coming), transfer_text(coming)])
            return self.tr("Your model is on its way"), line
        if self._session.has_begun:
            line = self.tr(
                "A model is one file, downloaded once. It then runs on this machine, without a network, and "
                "nothing you write leaves it."
            )
            return self.tr("No model yet"), line
        if self._session.link is Link.REFUSED:
            return self.tr("Not connected"), ""
        return self.tr("Starting"), self.tr("Your chats will be here in a moment.")
