"""The library's index: which models are known, as they were last seen. The files are not looked at."""

from __future__ import annotations

from app.domain.model import Model
from app.store.database import Database
from app.store.valuetable import ValueTable


class ModelTable(ValueTable[Model]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, "models", Model)
