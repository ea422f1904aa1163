"""The one door out: nothing leaves without passing here, and every host is written down.

Holds the rules and the ledger; `network.transport` is the only thing that opens connections, and asks here
before each.
"""

from __future__ import annotations

from collections.abc import Callable

from app.domain.notice import Action, NoticeCode
from app.errors import KnownError
from app.network.environment import NetworkEnvironment
from app.network.ledger import Ledger


class PassingError(KnownError):
    """A fault of the network or the far side that may be gone the next time one tries.

    `retry_after_s` is how long the far side asked to be left alone.
    """

    retry_after_s: float | None = None


class Door:
    """Safe to use from any thread."""

    def __init__(self, ledger: Ledger, offline: Callable[[], bool]) -> None:
        """`offline` is asked before every request and while data comes in."""
        self.ledger = ledger
        self._offline = offline
        self._closers: list[Callable[[], None]] = []

    def admit(self, environment: NetworkEnvironment, scheme: str, host: str) -> None:
        """Returns if a request may go out. Raises KnownError: OFFLINE, or NETWORK_UNREACHABLE when a Hub
        that is spoken to in secret points to a place that is not."""
        if environment.is_offline or self._offline():
            raise KnownError.of(NoticeCode.OFFLINE, Action.GO_ONLINE, host=host)
        if scheme != "https" and environment.endpoint.startswith("https:"):
            raise KnownError.of(NoticeCode.NETWORK_UNREACHABLE, host=host, detail="insecure-redirect")

    def on_close(self, closer: Callable[[], None]) -> None:
        self._closers.append(closer)

    def close(self) -> None:
        """Lets go of what sessions shared. Sessions must have ended."""
        while self._closers:
            self._closers.pop()()
