"""Part files: what the journal says is there is there, whatever happened."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain.notice import NoticeCode
from app.downloads import partfile
from app.downloads.front import Front
from app.downloads.partfile import PartFile
from app.downloads.parts import Place
from app.errors import KnownError
from app.models.hub import Identity
from tests.fakes.clock import FakeClock

DATA = bytes(range(256)) * 40
SHA256 = hashlib.sha256(DATA).hexdigest()
IDENTITY = Identity(size_bytes=len(DATA), etag="e", sha256=SHA256)
CHUNK = 4096


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "me" / "a" / "x.gguf")


def reopened(place: Place, identity: Identity = IDENTITY) -> PartFile:
    return PartFile(place, identity, CHUNK)


def digest(part: PartFile) -> str:
    front = Front(part)
    while front.advance():
        pass
    return front.sha256


def test_only_what_was_saved_is_trusted(place: Place):
    part = reopened(place)
    part.write(0, DATA[:1000])
    part.checkpoint()
    part.write(1000, DATA[1000:3000])
    part.close()  # as a kill would, without saving
    assert place.part.stat().st_size == 3000
    again = reopened(place)
    assert again.done == ((0, 1000),)
    again.close()


def test_data_reaches_the_disk_before_the_journal(place: Place, monkeypatch: pytest.MonkeyPatch):
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        order.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def noted_replace(path: Path, target: Path) -> Path:
        order.append(f"-> {target.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    part = reopened(place)
    part.write(0, DATA)
    part.checkpoint()
    part.finish()
    saved = ["x.gguf.part", "x.gguf.part.json.new", "-> x.gguf.part.json"]
    assert order == [*saved, *saved, "-> x.gguf", "a"]


def test_it_is_due_to_be_saved_by_bytes_and_by_time(place: Place):
    clock = FakeClock()
    part = PartFile(place, IDENTITY, CHUNK, clock)
    clock.advance(5)
    assert not part.is_checkpoint_due  # nothing came
    part.checkpoint()
    assert place.read_journal() is None
    part.write(0, DATA[:CHUNK])
    assert part.is_checkpoint_due
    part.checkpoint()
    part.write(CHUNK, DATA[CHUNK : CHUNK + 100])
    assert not part.is_checkpoint_due
    clock.advance(1)
    assert part.is_checkpoint_due
    part.checkpoint()
    assert part.has_room
    part.write(0, DATA)
    assert part.is_checkpoint_due
    part.close()


def test_what_is_not_saved_is_bounded(place: Place):
    part = reopened(place)
    part.write(0, DATA[: 2 * CHUNK])
    assert not part.has_room
    part.checkpoint()
    assert part.has_room
    part.close()


def test_what_is_there_is_never_written_again(place: Place):
    """It may have been hashed already."""
    part = reopened(place)
    part.write(100, DATA[100:200])
    part.write(0, b"x" * 300)
    assert part.read(0, 300) == b"x" * 100 + DATA[100:200] + b"x" * 100
    assert part.done == ((0, 300),)
    part.close()


def test_what_differs_is_put_right_and_its_checksum_forgotten(place: Place):
    part = reopened(place)
    part.write(0, DATA[:5000] + b"x" * 5240)
    digest(part)
    assert set(part.sums) == {0, 1, 2}
    assert not part.rewrite(0, DATA[:4096])
    assert part.rewrite(4096, DATA[4096:8192])
    assert set(part.sums) == {0, 2}
    assert part.rewrite(8192, DATA[8192:])
    assert digest(part) == SHA256
    part.close()


def test_the_hash_is_the_file_s_whatever_the_order(place: Place):
    part = reopened(place)
    part.write(0, DATA[:100])
    part.write(5000, DATA[5000:])
    part.checkpoint()
    part.close()
    again = reopened(place)
    assert again.gap() == (100, 5000)
    again.write(100, DATA[100:5000])
    assert digest(again) == SHA256
    again.finish()
    assert place.target.read_bytes() == DATA


def test_a_finished_file_is_known_as_such_until_it_is_handed_over(place: Place):
    part = reopened(place)
    part.write(0, DATA)
    assert not place.is_finished(IDENTITY)
    part.finish()
    assert part.is_closed
    assert place.is_finished(IDENTITY)
    assert not place.is_finished(Identity(size_bytes=len(DATA), sha256="other"))
    place.discard()
    assert not place.is_finished(IDENTITY)
    assert list(place.target.parent.iterdir()) == [place.target]


def test_an_old_file_under_the_name_is_not_taken_for_the_new(place: Place):
    """Killed between the journal's last word and the move."""
    place.target.parent.mkdir(parents=True)
    place.target.write_bytes(b"o" * len(DATA))
    part = reopened(place)
    part.write(0, DATA)
    part._save(part.done, is_verified=True)
    part.close()
    assert not place.is_finished(IDENTITY)
    again = reopened(place)
    assert again.gap() is None
    again.finish()
    assert place.target.read_bytes() == DATA


def test_more_than_the_file_is_cut_off(place: Place):
    place.part.parent.mkdir(parents=True)
    part = reopened(place)
    part.write(0, DATA + b"more")
    part.finish()
    assert place.target.read_bytes() == DATA


def test_another_file_s_part_is_dropped_and_it_says_so(place: Place):
    part = reopened(place)
    part.write(0, DATA[:500])
    part.checkpoint()
    part.close()
    other = PartFile(place, Identity(size_bytes=len(DATA), etag="f", sha256="0" * 64), CHUNK)
    assert other.was_dropped
    assert other.done == ()
    assert place.part.stat().st_size == 0
    other.discard()
    assert list(place.target.parent.iterdir()) == []


@pytest.mark.parametrize(
    "harm",
    [
        lambda place: place.journal.write_bytes(b""),
        lambda place: place.journal.write_bytes(b"{"),
        lambda place: place.journal.write_text('{"identity":{"size_bytes":9},"done":[[5,3]]}'),
        lambda place: place.journal.write_text('{"identity":{"size_bytes":9},"done":[[0,99]]}'),
        lambda place: place.journal.unlink(),
        lambda place: place.part.unlink(),
        lambda place: os.truncate(place.part, 400),
    ],
)
def test_a_journal_that_cannot_be_believed_is_not(place: Place, harm: Callable[[Place], object]):
    part = reopened(place)
    part.write(0, DATA[:500])
    part.checkpoint()
    part.close()
    harm(place)
    again = reopened(place)
    assert again.done == ()
    assert not again.was_dropped
    again.close()


def refused(act: Callable[[], object]) -> KnownError:
    with pytest.raises(KnownError) as caught:
        act()
    return caught.value


def test_a_full_disk_is_named_and_costs_nothing_saved(place: Place, monkeypatch: pytest.MonkeyPatch):
    part = reopened(place)
    part.write(0, DATA[:500])
    part.checkpoint()
    part.write(500, DATA[500:600])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    error = refused(part.checkpoint)
    monkeypatch.undo()
    assert error.notice.code is NoticeCode.DISK_FULL
    assert error.notice.facts["needed_bytes"] == len(DATA) - 600
    assert error.notice.facts["path"] == str(place.target.parent)
    assert int(error.notice.facts["free_bytes"]) > 0
    part.close()
    assert place.read_journal().done == ((0, 500),)  # type: ignore[union-attr]


def test_on_a_full_disk_the_end_of_what_came_makes_way_for_the_journal(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(partfile, "ROOM_BYTES", 1000)
    part = reopened(place)
    part.write(0, DATA)
    save = part._save

    def narrow(*rest: object, **more: object) -> None:
        if place.part.stat().st_size > len(DATA) - 1000:
            raise OSError(errno.ENOSPC, "full")
        save(*rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(part, "_save", narrow)
    part.checkpoint_at_last()
    part.close()
    assert place.read_journal().done == ((0, len(DATA) - 1000),)  # type: ignore[union-attr]


def test_a_real_full_device_is_named(place: Place):
    part = reopened(place)
    part.close()
    with Path("/dev/full").open("r+b", buffering=0) as part._file:
        assert refused(lambda: part.write(0, DATA)).notice.code is NoticeCode.DISK_FULL


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    error = refused(lambda: PartFile(Place(tmp_path / "file" / "x.gguf"), IDENTITY, CHUNK))
    assert error.notice.code is NoticeCode.HOME_NOT_WRITABLE
    assert error.notice.facts["path"] == str(tmp_path / "file")


class Failing:
    """Makes the k-th operation on the disk fail, whatever it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, number: int) -> None:
        self.left, self.number, self.has_failed = at, number, False
        for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "open"), (Path, "mkdir"), (os, "open")):
            monkeypatch.setattr(owner, name, self._wrapped(getattr(owner, name)))

    def _wrapped(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **named: object) -> object:
            self.left -= 1
            if self.left == 0:
                self.has_failed = True
                raise OSError(self.number, "injected")
            return real(*args, **named)

        return call


def carried_on(place: Place) -> None:
    """Does what a transfer does, from wherever it was left."""
    part = reopened(place)
    try:
        while gap := part.gap():
            part.write(gap[0], DATA[gap[0] : gap[0] + 6000])
            part.checkpoint()
        assert digest(part) == SHA256
        part.finish()
    finally:
        part.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_any_operation_may_fail_and_nothing_false_is_trusted(tmp_path: Path, number: int):
    for at in range(1, 100):
        place = Place(tmp_path / str(at) / "x.gguf")
        with pytest.MonkeyPatch.context() as monkeypatch:
            failing = Failing(monkeypatch, at, number)
            try:
                carried_on(place)
            except KnownError as error:
                known = {errno.ENOSPC: NoticeCode.DISK_FULL, errno.EIO: NoticeCode.HOME_NOT_WRITABLE}
                assert error.notice.code is known[number]  # noqa: PT017
        journal = place.read_journal()
        for start, end in journal.done if journal else ():
            assert place.part.read_bytes()[start:end] == DATA[start:end]
        if not place.is_finished(IDENTITY):
            carried_on(place)
        assert place.target.read_bytes() == DATA
        if not failing.has_failed:
            return
    pytest.fail("more operations than expected")
