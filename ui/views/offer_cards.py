"""Three models to begin with, as cards: what each is good at, how large it is, how it would run here."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.domain.catalogue import Offer, Role
from ui.texts.offers import good_at_text, offer_line, role_text
from ui.viewmodels.recommendations import Recommendations
from ui.widgets.buttons import push_button
from ui.widgets.labels import ElidedLabel, label


class OfferCard(QFrame):
    def __init__(self, recommendations: Recommendations) -> None:
        super().__init__()
        self._recommendations = recommendations
        self._offer: Offer | None = None
        self.setObjectName("card")
        self.role = label(kind="heading")
        self.name = ElidedLabel()
        self.good_at = label(kind="muted", wraps=True)
        self.line = label(kind="caption", wraps=True)
        self.button = push_button("")
        self.button.clicked.connect(self._download)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.name)
        head.addWidget(self.role, 0, Qt.AlignmentFlag.AlignBottom)
        head.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addLayout(head)
        words.addWidget(self.good_at)
        words.addWidget(self.line)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 10, 12, 10)
        row.setSpacing(12)
        row.addLayout(words, 1)
        row.addWidget(self.button)

    def show_offer(self, offer: Offer) -> None:
        self._offer = offer
        role = role_text(offer.role or Role.BEST)
        self.role.setText(role)
        self.name.set_whole_text(offer.model.name)
        self.good_at.setText(good_at_text(offer))
        self.line.setText(offer_line(offer))
        is_coming = self._recommendations.is_coming(offer)
        self.button.setText(self.tr("Downloading") if is_coming else self.tr("Download"))
        self.button.setEnabled(not is_coming)
        # Three buttons that say the same are told apart by what a screen reader says.
        said = self.tr("Download {model}").format(model=offer.model.name)
        self.button.setAccessibleName(said)
        self.button.setAccessibleDescription(f"{role}. {good_at_text(offer)}. {offer_line(offer)}")

    def _download(self) -> None:
        assert self._offer is not None
        self._recommendations.download(self._offer)


class OfferCards(QWidget):
    """Hidden while there is nothing to recommend."""

    def __init__(self, recommendations: Recommendations) -> None:
        super().__init__()
        self._recommendations = recommendations
        self.cards: list[OfferCard] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(label(self.tr("Models that suit this machine"), "heading"))
        recommendations.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        offers = self._recommendations.offers
        while len(self.cards) < len(offers):
            card = OfferCard(self._recommendations)
            self.cards.append(card)
            self._column.addWidget(card)
        for card in self.cards[len(offers) :]:
            card.hide()
        for card, offer in zip(self.cards, offers, strict=False):
            card.show_offer(offer)
            card.show()
        self.setVisible(bool(offers))
