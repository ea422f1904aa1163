"""A table of whole values under their ids, for lists that are small and read at once."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from app.domain.value import from_json, to_json
from app.store.database import Database


class HasId(Protocol):
    @property
    def id(self) -> str: ...


V = TypeVar("V", bound=HasId)


class ValueTable(Generic[V]):
    """Values in the order they were first put. One that cannot be read is left alone and not listed."""

    def __init__(self, database: Database, table: str, kind: type[V]) -> None:
        self._database = database
        self._table = table
        self._kind = kind

    def all(self) -> list[V]:
        found = (
            self._read(row[0]) for row in self._database.rows(f"SELECT value FROM {self._table} ORDER BY seq")
        )
        return [value for value in found if value is not None]

    def get(self, value_id: str) -> V | None:
        row = self._database.one(f"SELECT value FROM {self._table} WHERE id = ?", (value_id,))
        return None if row is None else self._read(row[0])

    def put(self, value: V) -> None:
        """Adds the value or replaces the one with its id."""
        with self._database.write():
            self._database.execute(
                f"INSERT INTO {self._table} (id, value) VALUES (?, ?)"
                " ON CONFLICT (id) DO UPDATE SET value = excluded.value",
                (value.id, to_json(value).decode()),
            )

    def remove(self, value_id: str) -> None:
        """Harmless when it is not there."""
        with self._database.write():
            self._database.execute(f"DELETE FROM {self._table} WHERE id = ?", (value_id,))

    def _read(self, text: str) -> V | None:
        try:
            return from_json(text, self._kind)
        except ValueError:
            return None
