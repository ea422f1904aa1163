"""Downloads on their way, whichever client began them."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.client.protocol import (
    CancelTransfer,
    Command,
    PauseTransfer,
    Pull,
    Refused,
    Reply,
    ResumeTransfer,
    Snapshot,
)
from app.domain.transfer import Transfer, TransferState
from app.events import Event, TransferChanged, TransferRemoved
from ui.bridge import Bridge

AnyIndex = QModelIndex | QPersistentModelIndex
TRANSFER_ROLE = Qt.ItemDataRole.UserRole

_OVER = (TransferState.DONE, TransferState.CANCELLED)
_MOVING = (TransferState.QUEUED, TransferState.RUNNING, TransferState.VERIFYING)
_TOP = QModelIndex()


class Transfers(QAbstractListModel):
    """Oldest first; what is done or cancelled is not listed. `TRANSFER_ROLE` is the Transfer."""

    finished = Signal(object)  # Transfer
    refused = Signal(object)  # Notice

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._transfers: list[Transfer] = []
        self._epoch = ""
        bridge.snapshot_taken.connect(self._on_snapshot)
        bridge.happened.connect(self._on_event)

    def pull(self, repo: str, quant: str | None = None) -> None:
        self._ask(Pull(repo=repo, quant=quant))

    def pause(self, transfer_id: str) -> None:
        self._ask(PauseTransfer(transfer_id=transfer_id))

    def resume(self, transfer_id: str) -> None:
        self._ask(ResumeTransfer(transfer_id=transfer_id))

    def cancel(self, transfer_id: str) -> None:
        self._ask(CancelTransfer(transfer_id=transfer_id))

    # Qt's side

    def rowCount(self, parent: AnyIndex = _TOP) -> int:
        return 0 if parent.isValid() else len(self._transfers)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._transfers):
            return None
        transfer = self._transfers[index.row()]
        if role == TRANSFER_ROLE:
            return transfer
        return transfer.repo if role == Qt.ItemDataRole.DisplayRole else None

    # The host's side

    def _ask(self, command: Command) -> None:
        self._bridge.ask(command, self._on_reply)

    def _on_reply(self, reply: Reply) -> None:
        if isinstance(reply, Refused):
            self.refused.emit(reply.notice)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        moving = {transfer.id for transfer in self._transfers if transfer.state in _MOVING}
        is_other_host, self._epoch = snapshot.epoch != self._epoch, snapshot.epoch
        self.beginResetModel()
        self._transfers = [transfer for transfer in snapshot.transfers if transfer.state not in _OVER]
        self.endResetModel()
        for transfer in self._transfers:
            # Nobody paused it: its host went, and the next one waits to be asked.
            if is_other_host and transfer.id in moving and transfer.state is TransferState.PAUSED:
                self.resume(transfer.id)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, TransferRemoved):
            self._remove(event.transfer_id)
        elif isinstance(event, TransferChanged) and event.transfer.state in _OVER:
            self._remove(event.transfer.id)
            if event.transfer.state is TransferState.DONE:
                self.finished.emit(event.transfer)
        elif isinstance(event, TransferChanged):
            self._put(event.transfer)

    def _put(self, transfer: Transfer) -> None:
        row = self._row_of(transfer.id)
        if row >= 0:
            self._transfers[row] = transfer
            self.dataChanged.emit(self.index(row), self.index(row))
            return
        end = len(self._transfers)
        self.beginInsertRows(QModelIndex(), end, end)
        self._transfers.append(transfer)
        self.endInsertRows()

    def _remove(self, transfer_id: str) -> None:
        row = self._row_of(transfer_id)
        if row >= 0:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._transfers[row]
            self.endRemoveRows()

    def _row_of(self, transfer_id: str) -> int:
        return next((row for row, known in enumerate(self._transfers) if known.id == transfer_id), -1)
