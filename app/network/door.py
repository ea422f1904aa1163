"""The one door out. (Signatures; the body follows.)"""

from __future__ import annotations

from collections.abc import Callable

from app.network.ledger import Ledger


class Door:
    def __init__(self, ledger: Ledger, offline: Callable[[], bool]) -> None: ...

    def close(self) -> None:
        """Closes idle connections."""
