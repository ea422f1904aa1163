"""One after the other: who waits, in which order, and who may go first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.transfer import TransferState
from app.downloads.patience import Limits
from app.errors import KnownError
from tests.downloads.rig import Rig
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_server import HubServer
from tests.waiting import wait_until

S = TransferState


@pytest.fixture
def slow(server: HubServer) -> HubServer:
    server.rate = 400_000
    return server


@pytest.fixture
def narrow(home: Path, slow: HubServer) -> Iterator[Rig]:
    made = Rig(home, slow, max_running=1)
    yield made
    slow.closing.set()
    made.close()


def test_the_others_wait_their_turn_in_order(narrow: Rig, slow: HubServer):
    slow.add_repo("me/B-GGUF", {"b-Q4_0.gguf": gguf_bytes(1000, seed=5)})
    slow.add_repo("me/C-GGUF", {"c-Q4_0.gguf": gguf_bytes(1000, seed=6)})
    narrow.again(Limits(silence_s=600.0), max_running=1)
    slow.fault("stall", after=300_000)
    first = narrow.begun()
    wait_until(lambda: slow.log("cdn"))
    second, third = narrow.begun(repo="me/B-GGUF"), narrow.begun(repo="me/C-GGUF")
    wait_until(lambda: len(narrow.downloads._waiting) == 2)
    assert [narrow.states(each) for each in (second, third)] == [[S.QUEUED], [S.QUEUED]]
    narrow.downloads.pause(second.id)
    assert narrow.ended(second).state is S.PAUSED
    narrow.downloads.cancel(first.id)
    assert narrow.ended(third).state is S.DONE
    assert narrow.states(second) == [S.QUEUED, S.PAUSED]


def test_one_that_waits_can_be_put_first(narrow: Rig, slow: HubServer):
    for name in "BC":
        slow.add_repo(f"me/{name}-GGUF", {f"{name}-Q4_0.gguf": gguf_bytes(1000, seed=ord(name))})
    narrow.again(Limits(silence_s=600.0), max_running=1)
    slow.fault("stall", after=300_000)
    first = narrow.begun()
    wait_until(lambda: slow.log("cdn"))
    second, third = narrow.begun(repo="me/B-GGUF"), narrow.begun(repo="me/C-GGUF")
    wait_until(lambda: len(narrow.downloads._waiting) == 2)
    narrow.downloads.move(first.id, 0)  # it runs already
    narrow.downloads.move(third.id, 0)
    narrow.downloads.cancel(first.id)
    assert [narrow.ended(each).state for each in (second, third)] == [S.DONE, S.DONE]
    began = [said.id for said in narrow.said if said.state is S.RUNNING and said.id != first.id]
    assert list(dict.fromkeys(began)) == [third.id, second.id]
    with pytest.raises(KnownError):
        narrow.downloads.move("nope", 0)
