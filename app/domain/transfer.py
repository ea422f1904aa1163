"""One file set on its way from the Hub to the library."""

from __future__ import annotations

from enum import StrEnum

from app.domain.notice import Notice
from app.domain.value import Value


class TransferState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    VERIFYING = "verifying"
    PAUSED = "paused"
    FAILED = "failed"
    DONE = "done"
    CANCELLED = "cancelled"


class TransferFile(Value):
    """One file of a transfer: where from, how much of it is on disk."""

    filename: str
    size_bytes: int
    done_bytes: int = 0
    sha256: str = ""
    etag: str = ""


class Transfer(Value):
    """A model on its way. `id` is made from repo, revision and quant, so pulling twice is one transfer."""

    id: str
    repo: str
    quant: str
    revision: str = "main"
    files: tuple[TransferFile, ...] = ()
    state: TransferState = TransferState.QUEUED
    bytes_per_second: float = 0.0
    seconds_left: float | None = None  # while that can be told
    model_id: str | None = None  # once done
    notice: Notice | None = None
    created_ms: int = 0

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def done_bytes(self) -> int:
        return sum(file.done_bytes for file in self.files)
