"""Every host that was contacted: when, what for and how much came back. Kept in memory only."""

from __future__ import annotations

import threading

from app.domain.ids import now_ms
from app.domain.value import Value


class Contact(Value):
    """What was exchanged with one host for one purpose. `via` names the proxy, if there was one."""

    host: str
    purpose: str
    via: str = ""
    first_ms: int = 0
    last_ms: int = 0
    requests: int = 0
    received_bytes: int = 0


class Ledger:
    """Counts contacts by host, purpose and proxy, so it stays small however much is transferred."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contacts: dict[tuple[str, str, str], Contact] = {}

    def hosts(self) -> tuple[str, ...]:
        """Returns the hosts contacted so far, in order of first contact."""
        with self._lock:
            return tuple(dict.fromkeys(contact.host for contact in self._contacts.values()))

    def contacts(self) -> tuple[Contact, ...]:
        with self._lock:
            return tuple(self._contacts.values())

    def note(
        self, host: str, purpose: str, via: str = "", *, requests: int = 0, received_bytes: int = 0
    ) -> None:
        now = now_ms()
        key = (host, purpose, via)
        with self._lock:
            before = self._contacts.get(key) or Contact(host=host, purpose=purpose, via=via, first_ms=now)
            self._contacts[key] = Contact(
                host=host,
                purpose=purpose,
                via=via,
                first_ms=before.first_ms,
                last_ms=now,
                requests=before.requests + requests,
                received_bytes=before.received_bytes + received_bytes,
            )
