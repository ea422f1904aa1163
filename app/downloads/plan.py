"""What a pull comes to: which files of a repo, at which commit, known by what."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.transfer import TransferFile
from app.downloads.patience import Patience
from app.downloads.places import plain_parts
from app.models.hub import Choice, Identity, RemoteRepo
from app.models.quant import FileEntry


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be pulled, and with which of a client's variables (kept for this pull, never shown)."""

    repo: str
    quant: str | None
    revision: str
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcome of looking an order up on the Hub."""

    order: Order
    choice: Choice
    files: tuple[TransferFile, ...]

    @property
    def transfer_id(self) -> str:
        """The same for two pulls of the same model, so they are one transfer."""
        group = self.choice.group
        text = "\n".join((self.order.repo.lower(), self.order.revision, group.quant, group.name.lower()))
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        return self.choice.group.files


def make_plan(remote: RemoteRepo, order: Order, patience: Patience) -> Plan:
    """Looks an order up. Raises KnownError for whatever is in the way.

    Only the first file is asked for by itself, which shows a gate; for the others the
    listing says enough, because the Hub's etag of a large file is its sha256.
    """
    choice = patience.ask(lambda: remote.choose(order.quant))
    files: list[TransferFile] = []
    for entry in choice.group.files:
        plain_parts(order.repo, entry.path)  # or it could not be kept
        is_known = bool(files and entry.sha256)
        identity = _listed(entry) if is_known else _asked(remote, choice.commit, entry, patience)
        files.append(
            TransferFile(
                filename=entry.path,
                size_bytes=identity.size_bytes,
                sha256=identity.sha256,
                etag=identity.etag,
            )
        )
    return Plan(order=order, choice=choice, files=tuple(files))


def _listed(entry: FileEntry) -> Identity:
    return Identity(size_bytes=entry.size_bytes, etag=entry.sha256, sha256=entry.sha256)


def _asked(remote: RemoteRepo, commit: str, entry: FileEntry, patience: Patience) -> Identity:
    return patience.ask(lambda: remote.identify(commit, entry))
