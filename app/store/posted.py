"""Tables of the store for services that have threads of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from app.loop import Loop


class Row(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Row)


class Table(Protocol[R]):
    def all(self) -> Iterable[R]: ...

    def put(self, row: R, /) -> None: ...

    def remove(self, row_id: str, /) -> None: ...


class PostedTable(Generic[R]):
    """Posts writes to the store's thread, in order, and returns at once.

    What is written this way are notes about files on disk, made again at the next start should the host die
    before they are stored.
    """

    def __init__(self, loop: Loop, table: Table[R]) -> None:
        self._loop = loop
        self._table = table

    def all(self) -> tuple[R, ...]:
        """Only on the store's thread."""
        return tuple(self._table.all())

    def put(self, row: R, /) -> None:
        self._do(lambda: self._table.put(row))

    def remove(self, row_id: str, /) -> None:
        self._do(lambda: self._table.remove(row_id))

    def _do(self, work: Callable[[], None]) -> None:
        if self._loop.is_current:
            work()
        else:
            self._loop.post(work)
