"""What is said of a transfer: every move, and its progress now and then."""

from __future__ import annotations

from app.domain.notice import Notice, NoticeCode
from app.domain.transfer import Transfer, TransferFile, TransferState
from app.downloads.report import Report
from tests.fakes.clock import FakeClock

FILES = (TransferFile(filename="a", size_bytes=1000), TransferFile(filename="b", size_bytes=500))


class Told:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.said: list[Transfer] = []
        transfer = Transfer(id="t", repo="me/a", quant="Q4_0", files=FILES)
        self.report = Report(transfer, self.said.append, self.clock)


def test_progress_is_told_four_times_a_second():
    told = Told()
    for done in range(125, 1125, 125):
        told.clock.advance(0.125)
        told.report.count(0, done)
    assert [transfer.done_bytes for transfer in told.said] == [250, 500, 750, 1000]
    assert told.said[1].bytes_per_second == 1000
    assert told.report.transfer.done_bytes == 1000


def test_what_did_not_change_is_not_told():
    told = Told()
    told.clock.advance(1)
    told.report.count(0, 0)
    assert told.said == []


def test_beginning_anew_is_no_speed():
    told = Told()
    told.report.count(0, 400)
    told.clock.advance(1)
    told.report.count(0, 0)
    assert told.said[-1].done_bytes == 0
    assert told.said[-1].bytes_per_second == 400


def test_moves_are_told_at_once():
    told = Told()
    told.report.move(TransferState.RUNNING)
    told.report.count(1, 500)
    told.report.move(TransferState.VERIFYING)
    assert [(transfer.state, transfer.done_bytes) for transfer in told.said] == [
        (TransferState.RUNNING, 0),
        (TransferState.VERIFYING, 500),
    ]


def test_a_lasting_notice_is_shown_until_it_is_done():
    told = Told()
    changed, full = Notice(code=NoticeCode.DOWNLOAD_CHANGED), Notice(code=NoticeCode.DISK_FULL)
    told.report.move(TransferState.RUNNING)
    told.report.last(changed)
    told.report.move(TransferState.VERIFYING)
    told.report.move(TransferState.PAUSED, full)
    told.report.move(TransferState.DONE)
    assert [transfer.notice for transfer in told.said] == [None, changed, changed, full, None]


def test_what_came_last_is_told_too_and_silence_is_seen():
    """It came within a quarter of a second of the report before; then nothing came any more."""
    told = Told()
    told.clock.advance(0.25)
    told.report.count(0, 500)
    told.clock.advance(0.1)
    told.report.count(0, 700)
    told.clock.advance(0.2)
    told.report.count(0, 700)
    assert [transfer.done_bytes for transfer in told.said] == [500, 700]
    for _ in range(3000):
        told.clock.advance(0.1)
        told.report.count(0, 700)
    assert told.said[-1].bytes_per_second < 1
    assert told.said[-1].seconds_left is None
    count = len(told.said)
    told.clock.advance(60)
    told.report.count(0, 700)
    assert len(told.said) == count  # nothing new to tell
