"""A disk that fills while a model comes: it pauses, keeps what came, and goes on when there is room."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.notice import NoticeCode
from app.domain.transfer import Transfer, TransferState
from app.downloads.partfile import PartFile
from app.downloads.patience import Limits
from tests.downloads.rig import QUICK, REPO, Rig
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_server import HubServer

NAME = "tiny-Q4_K_M.gguf"
BODY = gguf_bytes(20_000_000, seed=2)
LIMITS = replace(QUICK, chunk_bytes=1_000_000)


class Disk:
    """A folder with little room, and someone else who fills what there is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._other = folder / "someone-else"

    def fill(self) -> None:
        with self._other.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(100_000))

    def make_room(self) -> None:
        self._other.unlink()


class PretendedDisk(Disk):
    """Where nothing may be mounted: writing fails as it would."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self._is_full = False
        put, save = PartFile._put, PartFile._save

        def bounded_put(part: PartFile, offset: int, data: memoryview) -> None:
            self._refuse()
            put(part, offset, data)

        def bounded_save(part: PartFile, *rest: object, **more: object) -> None:
            self._refuse()
            save(part, *rest, **more)  # type: ignore[arg-type]

        def bounded_truncate(part: PartFile) -> None:
            self._is_full = False  # what made way is room
            make_way(part)

        make_way = PartFile._make_way
        monkeypatch.setattr(PartFile, "_put", bounded_put)
        monkeypatch.setattr(PartFile, "_save", bounded_save)
        monkeypatch.setattr(PartFile, "_make_way", bounded_truncate)

    def fill(self) -> None:
        self._is_full = True

    def make_room(self) -> None:
        self._is_full = False

    def _refuse(self) -> None:
        if self._is_full:
            raise OSError(errno.ENOSPC, "full")


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[bool]:
    """A disk of 32 MB at a folder, where that is allowed."""
    done = os.name == "posix" and _quietly("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder))
    try:
        yield done
    finally:
        if done:
            assert _quietly("umount", "--lazy", str(folder))


def _quietly(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def disk(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    folder = home / "models"
    folder.mkdir(parents=True)
    with mounted(folder) as is_real:
        yield Disk(folder) if is_real else PretendedDisk(folder, monkeypatch)


@pytest.fixture
def ours(disk: Disk, rig: Rig, server: HubServer) -> Rig:
    server.add_repo(REPO, {NAME: BODY})
    rig.again(LIMITS)
    return rig


def filled_up(rig: Rig, server: HubServer, disk: Disk) -> Transfer:
    """Lets a third come, fills the disk, and lets the rest come."""
    server.record.allow(7_000_000)
    transfer = rig.begun()
    rig.moving(transfer, 6_900_000)
    disk.fill()
    server.record.allow(None)
    return rig.ended(transfer)


def test_a_full_disk_pauses_and_goes_on_after_there_is_room(ours: Rig, server: HubServer, disk: Disk):
    paused = filled_up(ours, server, disk)
    assert paused.state is TransferState.PAUSED
    assert paused.notice is not None
    assert paused.notice.code is NoticeCode.DISK_FULL
    assert paused.done_bytes > 6_000_000
    assert ours.downloads.transfers()[0].id == paused.id  # the queue works
    disk.make_room()
    before = server.sent_bytes()
    resumed = ours.asked(lambda answer: ours.downloads.resume(paused.id, server.environment, answer))
    assert isinstance(resumed, Transfer)
    assert ours.ended(resumed).state is TransferState.DONE
    assert ours.content(NAME) == BODY
    assert server.sent_bytes() - before == len(BODY) - paused.done_bytes


def test_a_host_starts_on_a_full_disk_and_goes_on_later(ours: Rig, server: HubServer, disk: Disk):
    paused = filled_up(ours, server, disk)
    ours.again(LIMITS)
    (left,) = ours.downloads.transfers()
    assert (left.state, left.done_bytes) == (TransferState.PAUSED, paused.done_bytes)
    disk.make_room()
    assert ours.finished().state is TransferState.DONE
    assert ours.content(NAME) == BODY


def test_it_pauses_before_others_have_no_room(ours: Rig, server: HubServer, monkeypatch: pytest.MonkeyPatch):
    """The disk is watched, not only asked before."""
    looks = [10**12, 10**12]
    monkeypatch.setattr("app.downloads.job.free_bytes", lambda folder: 10**12)
    monkeypatch.setattr("app.downloads.transfer.free_bytes", lambda folder: looks.pop() if looks else 999)
    ours.again(Limits(chunk_bytes=1_000_000, reserve_bytes=4000, delays_s=(0.0,)))
    paused = ours.finished()
    assert paused.state is TransferState.PAUSED
    assert paused.notice is not None
    assert paused.notice.code is NoticeCode.DISK_FULL
    assert paused.done_bytes >= 1_000_000
    monkeypatch.undo()
    ours.again(LIMITS)
    assert ours.finished().state is TransferState.DONE


def test_pretending_is_as_good_as_a_disk(rig: Rig, server: HubServer, monkeypatch: pytest.MonkeyPatch):
    """The way without a mount is walked also where one is possible."""
    server.add_repo(REPO, {NAME: BODY})
    rig.again(LIMITS)
    pretended = PretendedDisk(rig.paths.models, monkeypatch)
    paused = filled_up(rig, server, pretended)
    assert (paused.state, paused.notice and paused.notice.code) == (
        TransferState.PAUSED,
        NoticeCode.DISK_FULL,
    )
    pretended.make_room()
    assert rig.finished().state is TransferState.DONE
    assert rig.content(NAME) == BODY
