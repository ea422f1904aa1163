"""The models that Cove recommends for this machine, for somebody who has none but the starter."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.client import finding
from app.client.protocol import Reply
from app.domain.catalogue import Offer
from app.domain.transfer import Transfer, TransferState
from ui.bridge import Bridge
from ui.viewmodels.models import Models
from ui.viewmodels.transfers import TRANSFER_ROLE, Transfers

_COMING = (TransferState.QUEUED, TransferState.RUNNING, TransferState.VERIFYING, TransferState.PAUSED)


class Recommendations(QObject):
    """Asked for once, when they are needed. Those that cannot be had are not missed: there are other ways."""

    changed = Signal()

    def __init__(
        self, bridge: Bridge, models: Models, transfers: Transfers, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._models = models
        self._transfers = transfers
        self._offers: tuple[Offer, ...] = ()
        self._is_asked = False
        self._asked_for: set[str] = set()  # repositories, until their transfer is there
        models.changed.connect(self._on_models)
        for rows in (transfers.rowsInserted, transfers.rowsRemoved, transfers.modelReset):
            rows.connect(self._on_transfers)
        transfers.dataChanged.connect(self._on_transfers)
        transfers.refused.connect(self._on_refused)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The fast one, the balanced one, the best; none where they are not needed."""
        return self._offers if self._is_needed else ()

    def is_coming(self, offer: Offer) -> bool:
        """Whether a download of it has been asked for."""
        return offer.model.repo in self._asked_for or any(
            transfer.repo == offer.model.repo and transfer.state in _COMING for transfer in self._known()
        )

    def download(self, offer: Offer) -> None:
        """Begins a download; refusals are the transfers' to tell."""
        if not self.is_coming(offer):
            self._asked_for.add(offer.model.repo)
            self._transfers.pull(offer.model.repo, offer.quant)
            self.changed.emit()

    @property
    def _is_needed(self) -> bool:
        models = self._models
        return models.is_known and (models.has_only_starter or models.rowCount() == 0)

    def _known(self) -> list[Transfer]:
        return [self._transfers.index(row).data(TRANSFER_ROLE) for row in range(self._transfers.rowCount())]

    def _on_models(self) -> None:
        if self._is_needed and not self._is_asked:
            self._is_asked = True
            self._bridge.ask(finding.Recommend(), self._on_reply)
        self.changed.emit()

    def _on_reply(self, reply: Reply) -> None:
        if isinstance(reply, finding.Recommendations):
            self._offers = tuple(offer for offer in reply.selection.offers if offer.role is not None)
            self.changed.emit()
        else:
            self._is_asked = False  # asked again with the next snapshot

    def _on_transfers(self, *_: object) -> None:
        self._asked_for -= {transfer.repo for transfer in self._known()}
        self.changed.emit()

    def _on_refused(self, *_: object) -> None:
        self._asked_for.clear()
        self.changed.emit()
