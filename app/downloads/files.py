"""The files of one transfer on this disk, wherever they are on their way."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from app.domain.transfer import Transfer, TransferFile
from app.downloads.disk import disk_fault
from app.downloads.parts import PartMap, Place
from app.downloads.places import place_for
from app.models.hub import Identity

READ_BYTES = 1024 * 1024


class TransferFiles:
    """Raises KnownError (DOWNLOAD_CORRUPT) when made for names that cannot be files of ours."""

    def __init__(self, models: Path, transfer: Transfer) -> None:
        self._models = models
        self._files = transfer.files
        self.places = tuple(place_for(models, transfer.repo, file.filename) for file in transfer.files)

    def recounted(self, transfer: Transfer) -> Transfer:
        """Returns the transfer with what is on disk; only bytes that can be trusted count."""
        files = tuple(
            msgspec.structs.replace(file, done_bytes=done_bytes(place, file))
            for place, file in zip(self.places, transfer.files, strict=True)
        )
        return msgspec.structs.replace(transfer, files=files)

    def forget_journals(self) -> None:
        """All files are in place and someone else knows them: nothing but the models stays."""
        for place in self.places:
            place.discard()

    def discard(self) -> None:
        """Deletes what was fetched: parts, and files that were finished while others were not."""
        for place, file in zip(self.places, self._files, strict=True):
            if place.is_finished(identity_of(file)):
                place.target.unlink(missing_ok=True)
            place.discard()
        self._remove_empty_folders()

    def _remove_empty_folders(self) -> None:
        for place in self.places:
            folder = place.target.parent
            while folder != self._models:
                with contextlib.suppress(OSError):  # not empty, or gone already
                    folder.rmdir()
                folder = folder.parent


def identity_of(file: TransferFile) -> Identity:
    return Identity(size_bytes=file.size_bytes, etag=file.etag, sha256=file.sha256)


def done_bytes(place: Place, file: TransferFile) -> int:
    if place.is_finished(identity_of(file)):
        return file.size_bytes
    journal = place.read_journal()
    if journal is None or not journal.identity.is_same(identity_of(file)):
        return 0
    return PartMap(file.size_bytes, journal.done).done_bytes


def is_already_there(place: Place, identity: Identity, keep_going: Callable[[], None]) -> bool:
    """Whether the final file is the very one. If no journal says so any more, it is read and hashed."""
    if place.is_finished(identity):
        return True
    try:
        if not identity.sha256 or place.target.stat().st_size != identity.size_bytes:
            return False
        digest = hashlib.sha256()
        with place.target.open("rb") as file:
            while chunk := file.read(READ_BYTES):
                keep_going()
                digest.update(chunk)
        return digest.hexdigest() == identity.sha256
    except FileNotFoundError:
        return False
    except OSError as error:
        raise disk_fault(error, place.target.parent, 0) from error
