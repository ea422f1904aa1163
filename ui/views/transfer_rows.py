"""Downloads on their way: name, bar, figures, and buttons to pause, go on and give up."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.domain.transfer import Transfer, TransferState
from ui.texts import transfer_text, transfer_title
from ui.theme import Theme
from ui.viewmodels.transfers import TRANSFER_ROLE, Transfers
from ui.widgets.buttons import icon_button, rename_button
from ui.widgets.labels import ElidedLabel

_STEPS = 1000
_STILL = (TransferState.PAUSED, TransferState.FAILED)


class TransferRow(QWidget):
    def __init__(self, transfers: Transfers, theme: Theme) -> None:
        super().__init__()
        self._transfers = transfers
        self._theme = theme
        self._transfer: Transfer | None = None
        self._title = ElidedLabel()
        self._bar = QProgressBar()
        self._bar.setRange(0, _STEPS)
        self._bar.setTextVisible(False)
        self._figures = ElidedLabel(kind="caption")
        self._toggle = icon_button(theme, "pause", self.tr("Pause"))
        self._toggle.clicked.connect(self._on_toggle)
        self._cancel = icon_button(theme, "close", self.tr("Cancel download"))
        self._cancel.clicked.connect(self._on_cancel)
        top = QHBoxLayout()
        top.setSpacing(0)
        top.addWidget(self._title, 1)
        top.addWidget(self._toggle)
        top.addWidget(self._cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 0, 0, 4)
        column.setSpacing(2)
        column.addLayout(top)
        column.addWidget(self._bar)
        column.addWidget(self._figures)

    @property
    def figures(self) -> str:
        return self._figures.whole_text()

    def show_transfer(self, transfer: Transfer) -> None:
        self._transfer = transfer
        share = transfer.done_bytes / transfer.size_bytes if transfer.size_bytes else 0.0
        self._title.set_whole_text(transfer_title(transfer))
        self._figures.set_whole_text(transfer_text(transfer))
        self._bar.setValue(int(_STEPS * share))
        self._bar.setAccessibleName(self._title.whole_text())
        is_still = transfer.state in _STILL
        self._theme.dress(self._toggle, "play" if is_still else "pause", "muted")
        rename_button(self._toggle, self.tr("Go on") if is_still else self.tr("Pause"))

    def _on_toggle(self) -> None:
        assert self._transfer is not None
        if self._transfer.state in _STILL:
            self._transfers.resume(self._transfer.id)
        else:
            self._transfers.pause(self._transfer.id)

    def _on_cancel(self) -> None:
        assert self._transfer is not None
        self._transfers.cancel(self._transfer.id)


class TransferRows(QWidget):
    """Hidden while nothing is on its way."""

    def __init__(self, transfers: Transfers, theme: Theme) -> None:
        super().__init__()
        self._transfers = transfers
        self._theme = theme
        self._rows: list[TransferRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        for changed in (transfers.rowsInserted, transfers.rowsRemoved, transfers.modelReset):
            changed.connect(self._show)
        transfers.dataChanged.connect(self._show)
        self._show()

    @property
    def rows(self) -> list[TransferRow]:
        return self._rows

    def _show(self, *_: object) -> None:
        count = self._transfers.rowCount()
        while len(self._rows) < count:
            row = TransferRow(self._transfers, self._theme)
            self._rows.append(row)
            self._column.addWidget(row)
        while len(self._rows) > count:
            row = self._rows.pop()
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for number, row in enumerate(self._rows):
            row.show_transfer(self._transfers.index(number).data(TRANSFER_ROLE))
        self.setVisible(count > 0)
