"""Finding goes on beside everything else, ends when it is told to, and looks at the machine once."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator

import pytest

from app.domain.catalogue import HubModel, Selection, Verdict
from app.domain.notice import Notice, NoticeCode
from app.finding.finder import Finder
from app.models.hub import ModelHub
from app.network.door import Door
from app.network.hub import ANSWER_S
from app.network.ledger import Ledger
from app.planning.plan import Machine
from tests.fakes.hub_server import HubServer
from tests.finding.test_fit import machine
from tests.waiting import wait_until

SIZED = {"a-Q4_K_M.gguf": bytes(4000), "a-Q8_0.gguf": bytes(8000)}


class Rig:
    def __init__(self, server: HubServer) -> None:
        self.server = server
        self.now = 0.0
        self.looks = 0
        self.machine: Callable[[], Machine] = lambda: machine(16)
        self.door = Door(Ledger(), lambda: False)
        self.finder = Finder(ModelHub(self.door), self._look, lambda: self.now)

    def _look(self) -> Machine:
        self.looks += 1
        return self.machine()

    def recommended(self) -> Selection | Notice:
        said: queue.SimpleQueue[Selection | Notice] = queue.SimpleQueue()
        self.finder.recommend(said.put)
        return said.get(timeout=20)

    def searched(self, words: str = "", **more: str) -> tuple[HubModel, ...] | Notice:
        said: queue.SimpleQueue[tuple[HubModel, ...] | Notice] = queue.SimpleQueue()
        self.finder.search(words, {**self.server.environment, **more}, said.put)
        return said.get(timeout=20)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with HubServer() as server:
        server.add_repo("one/A-GGUF", SIZED, downloads=3)
        server.add_repo("two/B-GGUF", SIZED, gated=True, downloads=2)
        made = Rig(server)
        yield made
        made.finder.close()
        made.door.close()


def test_the_catalogue_needs_no_network(rig: Rig):
    found = rig.recommended()
    assert isinstance(found, Selection)
    assert found.offers[0].role is not None
    assert rig.server.log() == []


def test_what_is_found_has_the_size_of_what_would_be_fetched(rig: Rig):
    found = rig.searched("gguf")
    assert isinstance(found, tuple)
    assert [(model.repo, model.quant, model.size_bytes) for model in found] == [
        ("one/A-GGUF", "Q4_K_M", 4000),
        ("two/B-GGUF", "Q4_K_M", 4000),
    ]
    assert found[0].fit is not None
    assert found[0].fit.verdict is Verdict.CPU


def test_a_repo_that_does_not_tell_is_found_all_the_same(rig: Rig):
    rig.server.fault("status", where="api", path="one/A-GGUF", status=500)
    found = rig.searched("gguf")
    assert isinstance(found, tuple)
    assert [(model.repo, model.size_bytes) for model in found] == [("one/A-GGUF", 0), ("two/B-GGUF", 4000)]
    assert found[0].fit is None


def test_the_machine_is_looked_at_once_a_minute(rig: Rig):
    rig.recommended()
    rig.searched("gguf")
    assert rig.looks == 1
    rig.now += 61
    rig.recommended()
    assert rig.looks == 2


def test_offline_is_a_notice(rig: Rig):
    said = rig.searched("gguf", HF_HUB_OFFLINE="1")
    assert isinstance(said, Notice)
    assert said.code is NoticeCode.OFFLINE


def test_a_bug_is_logged_and_told(rig: Rig, expect_log: Callable[..., None]):
    def broken() -> Machine:
        raise ZeroDivisionError("surprise")

    rig.machine = broken
    expect_log("A search for models failed")
    said = rig.recommended()
    assert isinstance(said, Notice)
    assert said.code is NoticeCode.BUG
    assert "surprise" in str(said.facts["detail"])


def test_closing_ends_a_search_that_hangs(rig: Rig):
    rig.server.fault("silent", where="api")
    said: queue.SimpleQueue[tuple[HubModel, ...] | Notice] = queue.SimpleQueue()
    rig.finder.search("gguf", rig.server.environment, said.put)
    wait_until(lambda: bool(rig.server.log("api")))
    began = time.monotonic()
    rig.finder.close()
    assert isinstance(said.get(timeout=1), Notice)
    assert time.monotonic() - began < ANSWER_S / 2  # by itself it would have waited for that long
