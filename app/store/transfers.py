"""The transfer queue, in the order transfers were asked for, so that a restart goes on where it was."""

from __future__ import annotations

from app.domain.transfer import Transfer
from app.store.database import Database
from app.store.valuetable import ValueTable


class TransferTable(ValueTable[Transfer]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, "transfers", Transfer)
