"""Models on their way into the library. (Signatures; the body follows.)"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.domain.ports import TransferTable
from app.domain.transfer import Transfer
from app.errors import KnownError
from app.models.hub import ModelHub
from app.models.library import Library
from app.paths import Paths

OnPlanned = Callable[[Transfer | KnownError], None]


class Downloads:
    """Every method returns at once; the work is done on threads named `download-...`.

    `on_change`, `on_removed` and `on_planned` are called on those threads: repost them. A transfer's end is
    DONE (with `model_id`; the library has the model by then), FAILED (with `notice`), PAUSED (with a notice
    when the disk was full, without one when asked for) or CANCELLED (followed by `on_removed`).
    """

    def __init__(
        self,
        table: TransferTable,
        hub: ModelHub,
        library: Library,
        paths: Paths,
        *,
        on_change: Callable[[Transfer], None],
        on_removed: Callable[[str], None],
    ) -> None: ...

    @property
    def is_busy(self) -> bool:
        """True while anything is planned, transferred or verified."""
        raise NotImplementedError

    def transfers(self) -> tuple[Transfer, ...]:
        raise NotImplementedError

    def resume_unfinished(self) -> None:
        """At start: reads the table; what was running when the last host ended is PAUSED."""
        raise NotImplementedError

    def pull(
        self,
        repo: str,
        quant: str | None,
        revision: str,
        environment: Mapping[str, str],
        on_planned: OnPlanned = lambda outcome: None,
    ) -> None:
        """Begins a download, or goes on with it. `on_planned` is called exactly once: with the transfer as
        soon as its files are known, or with what is in the way."""
        raise NotImplementedError

    def resume(
        self, transfer_id: str, environment: Mapping[str, str], on_planned: OnPlanned = lambda outcome: None
    ) -> None:
        """`pull` for a known transfer. Raises KnownError (TRANSFER_NOT_FOUND)."""
        raise NotImplementedError

    def pause(self, transfer_id: str) -> None:
        """Raises KnownError (TRANSFER_NOT_FOUND)."""
        raise NotImplementedError

    def cancel(self, transfer_id: str) -> None:
        """Ends a transfer and deletes what it fetched. Raises KnownError (TRANSFER_NOT_FOUND)."""
        raise NotImplementedError

    def close(self) -> None:
        """Stops every thread; transfers keep their state and what is on disk."""
        raise NotImplementedError
