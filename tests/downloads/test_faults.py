"""Every fault of the way at every moment: the file ends up right, and little is fetched twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.notice import NoticeCode
from app.domain.transfer import Transfer, TransferState
from tests.downloads.rig import QUICK, REPO, Rig
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_faults import FOREVER
from tests.fakes.hub_server import HubServer

S = TransferState
NAME = "tiny-Q4_K_M.gguf"
CHUNK = 40_000
BODY = gguf_bytes(410_000, seed=11)
LIMITS = replace(QUICK, chunk_bytes=CHUNK)
AFTER = 25_000  # within a chunk

# By itself it goes on.
PASSING: dict[str, dict[str, object]] = {
    "cut": {"kind": "cut", "after": AFTER},
    "reset": {"kind": "reset", "after": AFTER},
    "short body": {"kind": "short", "after": AFTER},
    "no length": {"kind": "chunked"},
    "stall": {"kind": "stall", "after": AFTER},
    "silence": {"kind": "silent"},
    "503": {"kind": "status", "status": 503},
    "429": {"kind": "status", "status": 429, "retry_after": "0"},
    "500 of the Hub": {"kind": "status", "status": 500, "where": "resolve", "method": "GET"},
    "expired address": {"kind": "expire", "after": AFTER},
    "403 of the storage": {"kind": "status", "status": 403},
    "200 for a range": {"kind": "ignore-range"},
    "wrong range": {"kind": "wrong-range"},
    "416": {"kind": "unavailable-range"},
    "other etag": {"kind": "etag", "where": "resolve", "method": "GET", "etag": "other"},
    "wrong bytes": {"kind": "flip", "after": 5 * CHUNK + 11},
}
# Someone has to do something; what came is kept.
STOPPING: dict[str, dict[str, object]] = {
    "login page": {"kind": "html"},
    "gzip": {"kind": "gzip"},
}
MOMENTS: dict[str, dict[str, int]] = {
    "at first": {},
    "in the middle": {"skip": 5},
    "for all ranges": {"times": 4},
}
WHEN = ["at first", "in the middle", pytest.param("for all ranges", marks=pytest.mark.slow)]
SILENT = ("stall", "silence")


@pytest.fixture
def ours(rig: Rig, server: HubServer) -> Rig:
    server.add_repo(REPO, {NAME: BODY})
    rig.again(LIMITS)
    return rig


def check(rig: Rig, ended: Transfer) -> None:
    assert ended.state is S.DONE, ended.notice
    assert rig.content(NAME) == BODY
    assert rig.files() == {f"{REPO}/{NAME}": len(BODY)}


def add(rig: Rig, server: HubServer, name: str, fault: dict[str, object], moment: dict[str, int]) -> None:
    if name in SILENT:
        rig.again(replace(LIMITS, silence_s=0.3))
    server.fault(**{**fault, **moment})  # type: ignore[arg-type]


@pytest.mark.parametrize("moment", WHEN)
@pytest.mark.parametrize("name", PASSING)
def test_it_goes_on_by_itself(ours: Rig, server: HubServer, name: str, moment: str):
    add(ours, server, name, PASSING[name], MOMENTS[moment])
    check(ours, ours.finished())
    if name not in ("200 for a range", "wrong bytes"):
        assert server.sent_bytes() <= len(BODY) + LIMITS.ranges * CHUNK


@pytest.mark.parametrize("name", PASSING)
def test_it_goes_on_after_another_host(ours: Rig, server: HubServer, name: str):
    """The fault comes when the transfer is taken up again."""
    kept = interrupted(ours, server)
    before = server.sent_bytes()
    add(ours, server, name, PASSING[name], {})
    check(ours, ours.finished())
    if name not in ("200 for a range", "wrong bytes"):
        assert server.sent_bytes() - before <= len(BODY) - kept + LIMITS.ranges * CHUNK


@pytest.mark.parametrize("moment", WHEN)
@pytest.mark.parametrize("name", STOPPING)
def test_it_stops_and_keeps_what_came(ours: Rig, server: HubServer, name: str, moment: str):
    add(ours, server, name, STOPPING[name], {**MOMENTS[moment], "times": FOREVER})
    failed = ours.finished()
    assert failed.state is S.FAILED
    assert failed.notice is not None
    assert (failed.notice.code, failed.notice.facts["status"]) == (NoticeCode.HUB_REFUSED, 200)
    server.record.clear_faults()
    before = server.sent_bytes()
    check(ours, ours.finished())
    assert server.sent_bytes() - before == len(BODY) - failed.done_bytes


def interrupted(rig: Rig, server: HubServer) -> int:
    """Leaves a transfer in the middle, and a new host after it."""
    server.fault("status", status=503, skip=4, times=FOREVER)
    failed = rig.finished()
    assert (failed.state, failed.done_bytes) == (S.FAILED, 4 * CHUNK)
    server.record.clear_faults()
    rig.again(LIMITS)
    return failed.done_bytes
