"""A file with a wrong hash: only what differs is put right, and it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.notice import NoticeCode
from app.downloads.front import Front
from app.downloads.patience import Patience, StopFlag, Stopped, StopReason
from app.downloads.repair import MAX_PASSES, Repair
from app.downloads.throttle import Throttle
from app.errors import KnownError
from tests.downloads.crew import BODY, CHUNK, FOUR, Bench, bench
from tests.fakes.hub_faults import FOREVER
from tests.fakes.hub_server import HubServer


@pytest.fixture
def ours(tmp_path: Path, server: HubServer) -> Iterator[Bench]:
    with bench(tmp_path, server) as made:
        yield made


def spoilt(ours: Bench, *places: int, flip: int = 0xFF) -> Front:
    """Puts the file there with wrong bytes, as a network would that changes some."""
    body = bytearray(BODY)
    for place in places:
        body[place] ^= flip
    ours.part.write(0, bytes(body))
    front = Front(ours.part)
    while front.advance():
        pass
    assert front.sha256 != ours.task.identity.sha256
    return front


def repair(ours: Bench, front: Front, stop: StopFlag | None = None) -> None:
    stop = stop or StopFlag()
    with ours.session() as remote:
        Repair(remote, ours.task, ours.part, front, stop, FOUR, Throttle()).run(Patience(stop, FOUR.delays_s))


def test_only_what_differs_is_rewritten(ours: Bench, server: HubServer):
    front = spoilt(ours, 250_000)
    repair(ours, front)
    assert ours.task.place.part.read_bytes() == BODY
    assert front.sha256 == ours.task.identity.sha256
    assert server.sent_bytes() == 3 * CHUNK  # one by one, up to the one that was wrong


def test_several_wrong_chunks_are_all_found(ours: Bench, server: HubServer):
    repair(ours, spoilt(ours, 5, 450_000, len(BODY) - 1))
    assert ours.task.place.part.read_bytes() == BODY
    assert server.sent_bytes() == len(BODY)


def test_faults_on_the_way_are_survived(ours: Bench, server: HubServer):
    for fault in ({"kind": "cut", "after": 30_000}, {"kind": "ignore-range"}, {"kind": "short"}):
        server.fault(**fault)
    repair(ours, spoilt(ours, 150_000))
    assert ours.task.place.part.read_bytes() == BODY


def test_a_byte_that_comes_wrong_again_takes_a_second_pass(ours: Bench, server: HubServer):
    server.fault("flip", after=CHUNK + 7)
    server.fault("flip", after=CHUNK + 7)
    repair(ours, spoilt(ours, CHUNK + 5))
    assert ours.task.place.part.read_bytes() == BODY


def test_what_the_server_always_sends_is_fetched_once_more_and_given_up(ours: Bench, server: HubServer):
    server.fault("flip", after=250_000, times=FOREVER)
    front = spoilt(ours, 250_000, flip=0x55)  # as the fault does
    with pytest.raises(KnownError) as caught:
        repair(ours, front)
    assert caught.value.notice.code is NoticeCode.DOWNLOAD_CORRUPT
    assert server.sent_bytes() == len(BODY)


def test_what_never_comes_right_is_given_up(ours: Bench, server: HubServer):
    server.fault("flip", after=250_000, times=FOREVER)
    with pytest.raises(KnownError) as caught:
        repair(ours, spoilt(ours, 300_100))
    assert caught.value.notice.code is NoticeCode.DOWNLOAD_CORRUPT
    assert server.sent_bytes() == MAX_PASSES * len(BODY)


def test_it_can_be_stopped(ours: Bench):
    stop = StopFlag()
    stop.set(StopReason.PAUSE)
    with pytest.raises(Stopped):
        repair(ours, spoilt(ours, 100), stop)
