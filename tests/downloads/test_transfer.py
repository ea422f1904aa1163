"""Bytes on their way: whatever the far side does, the file is whole, right, or not there.

Over the whole of it: the real huggingface_hub, our transfer, and a Hub that misbehaves on demand.
"""

from __future__ import annotations

import pytest

from app.domain.notice import Action, NoticeCode
from app.domain.transfer import TransferState
from app.downloads.disk import disk_full
from app.downloads.partfile import PartFile
from app.downloads.patience import PROGRESS_BYTES
from tests.downloads.rig import DATA, IMPATIENT, REPO, Rig
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_faults import FOREVER
from tests.fakes.hub_server import HubServer
from tests.waiting import wait_until

NAME = "tiny-Q4_K_M.gguf"
FINAL = {f"{REPO}/{NAME}": len(DATA)}


def test_a_file_comes_whole_and_is_verified(rig: Rig, server: HubServer):
    transfer = rig.begun()
    done = rig.ended(transfer)
    assert rig.states(transfer) == [
        TransferState.QUEUED,
        TransferState.RUNNING,
        TransferState.VERIFYING,
        TransferState.DONE,
    ]
    assert rig.content(NAME) == DATA
    assert rig.files() == FINAL  # no part, no journal
    assert (done.done_bytes, done.size_bytes, done.notice) == (len(DATA), len(DATA), None)
    assert server.sent_bytes() == len(DATA)


@pytest.mark.parametrize("kind", ["cut", "reset", "chunked", "short", "ignore-range"])
def test_a_connection_that_ends_early_is_taken_up_again(rig: Rig, server: HubServer, kind: str):
    server.fault(kind, after=900_000, times=1)
    assert rig.finished().state is TransferState.DONE
    assert rig.content(NAME) == DATA


@pytest.mark.parametrize("kind", ["stall", "silent"])
def test_silence_is_taken_for_a_cut(rig: Rig, server: HubServer, kind: str):
    rig.again(IMPATIENT)
    server.fault(kind, after=900_000)
    assert rig.finished().state is TransferState.DONE
    assert rig.content(NAME) == DATA


def test_only_the_rest_is_fetched(rig: Rig, server: HubServer):
    for after in (500_000, 400_000, 300_000):
        server.fault("cut", after=after)
    assert rig.finished().state is TransferState.DONE
    assert server.sent_bytes() == len(DATA)
    assert [asked.range for asked in server.log("cdn")] == [
        "",
        *(f"bytes={at}-{len(DATA) - 1}" for at in (500_000, 900_000, 1_200_000)),
    ]
    assert rig.content(NAME) == DATA


def test_a_cut_anywhere_is_survived(rig: Rig, server: HubServer):
    """Also within the first four bytes, which are looked at together."""
    for after in (0, 1, 3, 4, 5, 447, len(DATA) - 1):
        server.add_repo(REPO, {NAME: DATA})
        server.fault("cut", after=after)
        done = rig.finished()
        assert (done.state, rig.content(NAME)) == (TransferState.DONE, DATA)
        rig.library.remove(done.model_id or "")


def test_a_server_that_ignores_ranges_costs_time_but_no_bytes(rig: Rig, server: HubServer):
    server.fault("cut", after=700_000)
    server.fault("ignore-range")
    assert rig.finished().state is TransferState.DONE
    assert server.sent_bytes() == 700_000 + len(DATA)
    assert rig.content(NAME) == DATA


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429, "retry_after": "0"},
        {"kind": "status", "status": 403},
        {"kind": "wrong-range"},
        {"kind": "status", "status": 500, "where": "resolve", "method": "GET"},
    ],
)
def test_passing_faults_pass(rig: Rig, server: HubServer, fault: dict[str, object]):
    server.fault("cut", after=500_000)
    server.fault(**{"times": 3, **fault})  # type: ignore[arg-type]
    assert rig.finished().state is TransferState.DONE
    assert rig.content(NAME) == DATA


def test_a_busy_server_is_left_alone_as_long_as_it_asks(rig: Rig, server: HubServer):
    server.fault("status", status=429, retry_after="30")
    transfer = rig.begun()
    wait_until(lambda: server.log("cdn"))
    rig.downloads.pause(transfer.id)
    assert rig.ended(transfer).state is TransferState.PAUSED
    assert len(server.log("cdn")) == 1


def test_patience_ends_and_what_came_is_kept(rig: Rig, server: HubServer):
    server.fault("cut", after=600_000)
    server.fault("status", status=503, times=FOREVER)
    failed = rig.finished()
    assert (failed.state, failed.done_bytes) == (TransferState.FAILED, 600_000)
    assert failed.notice is not None
    assert failed.notice.code is NoticeCode.DOWNLOAD_INTERRUPTED
    assert failed.notice.actions == (Action.RESUME_DOWNLOAD,)
    facts = failed.notice.facts
    assert (facts["kept_bytes"], facts["total_bytes"], facts["status"]) == (600_000, len(DATA), 503)
    server.record.clear_faults()
    assert rig.finished().state is TransferState.DONE
    assert server.sent_bytes() == len(DATA)


def test_a_server_that_ends_early_for_ever_is_given_up(rig: Rig, server: HubServer):
    server.fault("short", times=FOREVER)
    failed = rig.finished()
    assert failed.state is TransferState.FAILED
    assert failed.notice is not None
    assert (failed.notice.code, failed.notice.facts["detail"]) == (NoticeCode.DOWNLOAD_INTERRUPTED, "short")


def test_progress_renews_patience(rig: Rig, server: HubServer):
    """More cuts than tries in a row, but each try brings something."""
    server.fault("cut", after=PROGRESS_BYTES, times=FOREVER)
    transfer = rig.begun()
    assert rig.ended(transfer).state is TransferState.DONE
    assert len(server.log("cdn")) == 6


# Wrong content


def test_a_file_that_always_comes_wrong_is_not_kept(rig: Rig, server: HubServer):
    server.fault("flip", after=1_000_000, times=FOREVER)
    failed = rig.finished()
    assert failed.state is TransferState.FAILED
    assert failed.notice is not None
    assert failed.notice.code is NoticeCode.DOWNLOAD_CORRUPT
    assert failed.notice.facts == {"file": NAME}
    assert failed.done_bytes == 0
    assert rig.files() == {}
    assert rig.library.models() == ()
    server.record.clear_faults()
    assert rig.finished().state is TransferState.DONE


@pytest.mark.parametrize("kind", ["html", "gzip"])
def test_a_page_instead_of_the_file_is_refused(rig: Rig, server: HubServer, kind: str):
    server.fault(kind)
    failed = rig.finished()
    assert failed.notice is not None
    assert (failed.notice.code, failed.notice.facts["status"]) == (NoticeCode.HUB_REFUSED, 200)
    assert failed.done_bytes == 0


def test_what_is_no_gguf_is_refused_at_its_first_bytes(rig: Rig, server: HubServer):
    server.add_repo(REPO, {NAME: b"<!DOCTYPE html>" + bytes(2_000_000)})
    server.rate = 200_000
    failed = rig.finished()
    assert failed.notice is not None
    assert failed.notice.code is NoticeCode.DOWNLOAD_CORRUPT
    assert rig.files() == {}
    assert server.sent_bytes() < 1_000_000


def test_a_right_hash_over_a_broken_header_leaves_nothing(rig: Rig, server: HubServer):
    server.add_repo(REPO, {NAME: b"GGUF" + bytes(1000)})
    failed = rig.finished()
    assert failed.notice is not None
    assert failed.notice.code is NoticeCode.MODEL_CORRUPT
    assert rig.files() == {}
    assert rig.library.models() == ()


# A file that changes


def test_a_file_that_changed_meanwhile_begins_anew_and_says_so(rig: Rig, server: HubServer):
    server.fault("cut", after=600_000)
    server.fault("status", status=503, times=FOREVER)
    rig.finished()
    server.record.clear_faults()
    other = gguf_bytes(1_500_000, seed=9)
    server.add_repo(REPO, {NAME: other})
    transfer = rig.begun()
    assert rig.ended(transfer).state is TransferState.DONE
    notices = {said.notice.code for said in rig.said[-4:] if said.notice}
    assert notices == {NoticeCode.DOWNLOAD_CHANGED}
    assert rig.content(NAME) == other


def test_a_file_that_changes_under_way_is_planned_anew(rig: Rig, server: HubServer):
    server.fault("cut", after=600_000)
    server.fault("unavailable-range")
    done = rig.finished()
    assert done.state is TransferState.DONE
    assert len(server.log("api")) == 2
    assert server.sent_bytes() == len(DATA)  # it was the same after all, and what was there is kept


def test_a_file_that_keeps_changing_is_given_up(rig: Rig, server: HubServer):
    server.fault("etag", where="resolve", method="GET", etag="other", times=FOREVER)
    failed = rig.finished()
    assert failed.state is TransferState.FAILED
    assert failed.notice is not None
    assert failed.notice.code is NoticeCode.DOWNLOAD_CHANGED


# The disk


def test_without_room_nothing_is_begun(rig: Rig, server: HubServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.downloads.job.free_bytes", lambda folder: len(DATA))
    paused = rig.finished()
    assert paused.state is TransferState.PAUSED
    assert paused.notice is not None
    assert paused.notice.code is NoticeCode.DISK_FULL
    assert paused.notice.facts["needed_bytes"] == len(DATA) + 1000  # what is to stay free is needed too
    assert Action.FREE_DISK in paused.notice.actions
    assert server.log("cdn") == []
    monkeypatch.undo()
    assert rig.finished().state is TransferState.DONE


def test_a_disk_that_fills_pauses_and_loses_nothing(
    rig: Rig, server: HubServer, monkeypatch: pytest.MonkeyPatch
):
    write = PartFile.write
    room = 800_000

    def bounded(part: PartFile, offset: int, data: bytes) -> None:
        if offset + len(data) > room:
            raise disk_full(part.place.target.parent, 1)
        write(part, offset, data)

    monkeypatch.setattr(PartFile, "write", bounded)
    paused = rig.finished()
    assert (paused.state, paused.notice and paused.notice.code) == (
        TransferState.PAUSED,
        NoticeCode.DISK_FULL,
    )
    assert room - 70_000 < paused.done_bytes <= room
    monkeypatch.undo()
    assert rig.finished().state is TransferState.DONE
    assert rig.content(NAME) == DATA
    (last,) = (asked for asked in server.log("cdn") if asked.range)
    assert last.range == f"bytes={paused.done_bytes}-{len(DATA) - 1}"
