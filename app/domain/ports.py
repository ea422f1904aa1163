"""What a layer needs from the store, as small protocols. `core` passes the real tables in.

`put` adds a row or replaces the one with the same id; removing what is not there is harmless. Both may be
called from any thread and need not have reached the disk when they return, only keep their order; `all` is
called on the thread that opens the service.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from app.domain.model import Model
from app.domain.transfer import Transfer


class ModelTable(Protocol):
    """The library's index."""

    def all(self) -> Iterable[Model]:
        """Returns every row, oldest first."""

    def put(self, model: Model, /) -> None: ...

    def remove(self, model_id: str, /) -> None: ...


class TransferTable(Protocol):
    """Transfers that are not done yet."""

    def all(self) -> Iterable[Transfer]:
        """Returns every row, oldest first."""

    def put(self, transfer: Transfer, /) -> None: ...

    def remove(self, transfer_id: str, /) -> None: ...
