"""The threads that fetch a file together: who takes what, who may fail, and how they end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.notice import NoticeCode
from app.downloads.patience import Limits
from app.downloads.pool import Pool
from app.downloads.throttle import Throttle
from app.errors import KnownError
from app.models.hub import FileChangedError
from app.network.door import PassingError
from tests.downloads.crew import BODY, CHUNK, FOUR, ONE, Bench, bench
from tests.fakes.hub_faults import FOREVER
from tests.fakes.hub_server import HubServer
from tests.waiting import wait_until


@pytest.fixture
def ours(tmp_path: Path, server: HubServer) -> Iterator[Bench]:
    with bench(tmp_path, server) as made:
        yield made


def pool_of(ours: Bench, limits: Limits = FOUR) -> Pool:
    return Pool(ours.session, ours.task, ours.part, limits, Throttle())


def run(ours: Bench, limits: Limits = FOUR) -> None:
    """Does what a transfer does, without hashing."""
    pool = pool_of(ours, limits)
    try:
        while ours.part.gap() is not None:
            pool.check()
            pool.staff()
            ours.part.checkpoint()
            pool.wait(0.02)
    finally:
        pool.close()


def content(ours: Bench) -> bytes:
    return ours.task.place.part.read_bytes()


def alive() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "download-range"]


def test_chunks_come_from_the_front_and_each_once(ours: Bench, server: HubServer):
    run(ours)
    assert content(ours) == BODY
    starts = [int(asked.range[6:].partition("-")[0]) for asked in server.log("cdn")]
    assert sorted(starts) == list(range(0, len(BODY), CHUNK))
    assert all(start <= (place + 4) * CHUNK for place, start in enumerate(starts))
    assert server.sent_bytes() == len(BODY)


def test_as_many_at_once_as_are_allowed(ours: Bench, server: HubServer):
    server.fault("stall", after=1000, times=FOREVER)
    pool = pool_of(ours)
    pool.staff()
    wait_until(lambda: len(server.log("cdn")) == 4)
    pool.staff()
    assert len(alive()) == 4
    pool.close()
    assert alive() == []


def test_one_that_fails_for_good_leaves_its_chunk_to_the_others(ours: Bench, server: HubServer):
    server.fault("status", status=503, times=5)  # more than one's patience, less than two's
    run(ours, replace(FOUR, delays_s=(0.0,)))
    assert content(ours) == BODY


def test_when_the_last_one_fails_it_is_said(ours: Bench, server: HubServer):
    server.fault("status", status=503, times=FOREVER)
    with pytest.raises(PassingError):
        run(ours)
    assert alive() == []


def test_what_cannot_pass_ends_all_at_once(ours: Bench, server: HubServer):
    server.fault("etag", where="resolve", method="GET", etag="other")
    server.fault("stall", after=10, times=FOREVER)
    with pytest.raises(FileChangedError):
        run(ours)


def test_a_bug_in_a_thread_reaches_whoever_waits(ours: Bench):
    ours.part.close()
    with pytest.raises(ValueError, match="closed"):
        run(ours)


def test_ranges_that_are_ignored_leave_one_that_takes_all(ours: Bench, server: HubServer):
    server.fault("ignore-range", times=FOREVER)
    run(ours)
    assert content(ours) == BODY
    assert len(server.log("cdn")) <= FOUR.ranges + 1  # those that were on their way when it showed


def test_a_server_that_asks_for_quiet_has_it_from_all(
    ours: Bench, server: HubServer, monkeypatch: pytest.MonkeyPatch
):
    pool = pool_of(ours)
    waits: list[float] = []
    wait = pool.halt.wait

    def noted(seconds: float) -> None:
        waits.append(seconds)
        wait(seconds)

    monkeypatch.setattr(pool.halt, "wait", noted)
    pool.hold(60)
    pool.staff()
    wait_until(lambda: len(waits) == 4)
    assert min(waits) > 30
    pool.close()
    assert (alive(), server.log("cdn")) == ([], [])


def test_a_silent_server_does_not_hold_up_the_end(ours: Bench, server: HubServer):
    server.fault("silent", times=FOREVER)
    pool = pool_of(ours, replace(ONE, silence_s=600.0))
    pool.staff()
    wait_until(lambda: server.log("cdn"))
    pool.close()
    assert alive() == []


def test_no_more_than_the_journal_can_follow_is_written(ours: Bench, server: HubServer):
    pool = pool_of(ours)
    pool.staff()
    wait_until(lambda: not ours.part.has_room)
    pool.wait(0.1)
    assert ours.part.done_bytes < 2 * CHUNK + 4 * 65_536 + 1
    pool.close()


def test_what_is_no_gguf_is_refused(ours: Bench, server: HubServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.downloads.fetcher.MAGIC", b"ELSE")
    with pytest.raises(KnownError) as caught:
        run(ours)
    assert caught.value.notice.code is NoticeCode.DOWNLOAD_CORRUPT
