"""What a layer needs from the store, as small protocols. `core` passes the real tables in.

Every table may be called from any thread. `put` adds a row or replaces the one with the same id; removing
what is not there is harmless. What was put is on disk when the call returns.
"""

from __future__ import annotations

from typing import Protocol

from app.domain.model import Model
from app.domain.transfer import Transfer


class ModelTable(Protocol):
    """The library's index."""

    def all(self) -> tuple[Model, ...]:
        """Returns every row, oldest first."""

    def put(self, model: Model) -> None: ...

    def remove(self, model_id: str) -> None: ...


class TransferTable(Protocol):
    """Transfers that are not done yet."""

    def all(self) -> tuple[Transfer, ...]:
        """Returns every row, oldest first."""

    def put(self, transfer: Transfer) -> None: ...

    def remove(self, transfer_id: str) -> None: ...
