"""Part files: what the journal says is there is there, whatever happened."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.notice import NoticeCode
from app.downloads import parts
from app.downloads.parts import PartFile, PartMap, Place, free_bytes
from app.errors import KnownError
from app.models.hub import Identity
from tests.fakes.clock import FakeClock

DATA = bytes(range(256)) * 40
SHA256 = hashlib.sha256(DATA).hexdigest()
IDENTITY = Identity(size_bytes=len(DATA), etag="e", sha256=SHA256)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "me" / "a" / "x.gguf")


def reopened(place: Place, identity: Identity = IDENTITY) -> PartFile:
    return PartFile(place, identity)


# The map


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=12))
def test_the_map_knows_exactly_what_was_added(pieces: list[tuple[int, int]]):
    there: set[int] = set()
    known = PartMap(80)
    for start, length in pieces:
        known.add(start, start + length)
        there |= set(range(start, start + length))
        assert known.done_bytes == len(there)
        assert set().union(*(range(*part) for part in known.done)) == there
        PartMap(80, known.done)  # in order, apart
        gap = known.gap()
        missing = sorted(set(range(80)) - there)
        if gap is None:
            assert missing == []
        else:
            assert missing[0] == gap[0]
            assert not there & set(range(*gap))
            assert gap[1] == 80 or gap[1] in there


@pytest.mark.parametrize(
    "done",
    [((5, 3),), ((0, 5), (4, 8)), ((0, 5), (5, 8)), ((-1, 3),), ((0, 11),), ((3, 3),), ((6, 8), (0, 2))],
)
def test_a_map_that_makes_no_sense_is_refused(done: tuple[tuple[int, int], ...]):
    with pytest.raises(ValueError, match="ranges"):
        PartMap(10, done)


# The file


def test_only_what_was_saved_is_trusted(place: Place):
    part = reopened(place)
    part.write(0, DATA[:1000])
    part.checkpoint()
    part.write(1000, DATA[1000:3000])
    part.close()  # as a kill would, without saving
    assert place.part.stat().st_size == 3000
    again = reopened(place)
    assert again.map.done == ((0, 1000),)
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


def test_it_saves_by_itself_by_bytes_and_by_time(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parts, "CHECKPOINT_BYTES", 2000)
    clock = FakeClock()
    part = PartFile(place, IDENTITY, clock)
    part.write(0, DATA[:1500])
    assert place.read_journal() is None
    part.write(1500, DATA[1500:2100])
    assert place.read_journal().done == ((0, 2100),)  # type: ignore[union-attr]
    clock.advance(1)
    part.write(2100, DATA[2100:2101])
    assert place.read_journal().done == ((0, 2101),)  # type: ignore[union-attr]
    part.close()


def test_the_hash_is_the_file_s_whatever_the_order(place: Place):
    part = reopened(place)
    part.write(0, DATA[:100])
    part.write(5000, DATA[5000:])
    part.checkpoint()
    part.close()
    again = reopened(place)
    assert again.map.gap() == (100, 5000)
    again.write(100, DATA[100:5000])
    assert again.digest() == SHA256
    again.finish()
    assert place.target.read_bytes() == DATA


def test_hashing_can_be_ended(place: Place):
    part = reopened(place)
    part.write(1, DATA[1:])

    def stop() -> None:
        raise InterruptedError("enough")

    with pytest.raises(InterruptedError):
        part.digest(stop)
    part.close()


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
    part._save(is_verified=True)
    part.close()
    assert not place.is_finished(IDENTITY)
    again = reopened(place)
    assert again.map.gap() is None
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
    other = PartFile(place, Identity(size_bytes=len(DATA), etag="f", sha256="0" * 64))
    assert other.was_dropped
    assert other.map.done == ()
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
    assert again.map.done == ()
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


def test_a_real_full_device_is_named(place: Place):
    part = reopened(place)
    part.close()
    with Path("/dev/full").open("r+b", buffering=0) as part._file:
        assert refused(lambda: part.write(0, DATA)).notice.code is NoticeCode.DISK_FULL


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    error = refused(lambda: PartFile(Place(tmp_path / "file" / "x.gguf"), IDENTITY))
    assert error.notice.code is NoticeCode.HOME_NOT_WRITABLE
    assert error.notice.facts["path"] == str(tmp_path / "file")


def test_free_space_is_that_of_the_folder_to_be(tmp_path: Path):
    assert free_bytes(tmp_path / "not" / "yet") == pytest.approx(free_bytes(tmp_path), rel=0.1)


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
        while gap := part.map.gap():
            part.write(gap[0], DATA[gap[0] : gap[0] + 3000])
            part.checkpoint()
        assert part.digest() == SHA256
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
