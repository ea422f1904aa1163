"""What can go wrong on the way from the Hub, on demand; and what was asked of it."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass, field

FOREVER = 1_000_000


@dataclass
class Fault:
    """Happens `times` times to requests at `where` (api, resolve, cdn) whose path contains `path`, after
    `skip` of them came through.

    kinds: `status` (with `retry_after`, `code`, `message`), `cut` (ends the connection after `after` bytes of
    the body), `reset` (the same, rudely), `stall` (falls silent after `after` bytes), `silent` (no answer),
    `flip` (one wrong byte at `after` in the file), `ignore-range`, `html` (a page instead), `gzip`,
    `chunked` (no length), `short` (ends early and says so), `etag` (another `etag`), `redirect` (to
    `location`), `wrong-range` (a piece that was not asked for), `slow` (`rate` bytes a second),
    `unavailable-range` (416), `expire` (as `cut`, and the signed address is good for nothing any more).
    """

    kind: str
    where: str = "cdn"
    times: int = 1
    path: str = ""
    method: str = ""
    after: int = 0
    status: int = 503
    retry_after: str = ""
    code: str = ""
    message: str = ""
    etag: str = ""
    location: str = ""
    rate: int = 0
    skip: int = 0

    def fits(self, where: str, method: str, path: str) -> bool:
        return self.times > 0 and self.where == where and self.method in ("", method) and self.path in path


@dataclass
class Asked:
    """One request, with what was sent in reply."""

    where: str
    method: str
    path: str
    range: str = ""
    token: str = ""
    agent: str = ""
    status: int = 0
    sent_bytes: int = 0
    fault: str = ""


@dataclass
class Record:
    """Faults that are due and requests that came; safe from any thread."""

    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    left: int | None = None
    gate: int = 0
    signatures: int = 0  # given out
    expired: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.moved = threading.Condition(self.lock)

    def add_fault(self, fault: Fault) -> None:
        with self.lock:
            self.faults.append(fault)

    def take(self, where: str, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if not fault.fits(where, method, path):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def note(self, asked: Asked) -> None:
        with self.lock:
            self.asked.append(asked)

    def log(self, where: str = "", method: str = "") -> list[Asked]:
        with self.lock:
            return [
                dataclasses.replace(entry)
                for entry in self.asked
                if where in ("", entry.where) and method in ("", entry.method)
            ]

    def allow(self, count: int | None) -> None:
        """From here on only so many bytes of files go out, then they stop; those held back by now are cut."""
        with self.lock:
            self.left = count
            self.gate += 1
            self.moved.notify_all()

    def spend(self, count: int, gate: int) -> int | None:
        """Returns how many bytes may go out, after waiting for at least one; None for a cut."""
        with self.lock:
            if self.gate != gate:
                return None
            if self.left == 0:
                self.moved.wait_for(lambda: self.gate != gate)
                return None
            granted = count if self.left is None else min(count, self.left)
            if self.left is not None:
                self.left -= granted
            return granted

    def sign(self) -> str:
        with self.lock:
            self.signatures += 1
            return f"secret-{self.signatures}"

    def clear_faults(self) -> None:
        with self.lock:
            self.faults.clear()
