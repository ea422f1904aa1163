"""A table of the store, in memory."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Row(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Row)


class MemoryTable(Generic[R]):
    def __init__(self, *rows: R) -> None:
        self.rows: dict[str, R] = {row.id: row for row in rows}

    def all(self) -> list[R]:
        return list(self.rows.values())

    def put(self, row: R, /) -> None:
        self.rows[row.id] = row

    def remove(self, row_id: str, /) -> None:
        self.rows.pop(row_id, None)
