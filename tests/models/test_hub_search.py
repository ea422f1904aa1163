"""Searching the Hub, with the real huggingface_hub against a Hub on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.domain.catalogue import HubModel, HubSort
from app.domain.notice import Action, NoticeCode
from app.errors import KnownError
from app.models.hub import ModelHub
from app.network.door import Door, PassingError
from app.network.ledger import Ledger
from tests.fakes.hub_server import HubServer

GGUF = {"a-Q4_K_M.gguf": b"1", "a-Q8_0.gguf": b"22", "mmproj-F16.gguf": b"3"}


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as running:
        running.add_repo("one/Small-GGUF", GGUF, downloads=5, likes=9, licence="mit", parameters=7)
        running.add_repo("two/Large-GGUF", GGUF, gated=True, downloads=8, modified="2026-05-06T07:08:09.000Z")
        running.add_repo("two/No-Weights", {"README.md": b""}, downloads=99)
        running.add_repo("two/Secret-GGUF", GGUF, private=True)
        yield running


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door(Ledger(), lambda: False)
    yield made
    made.close()


def search(
    server: HubServer,
    door: Door,
    words: str = "",
    sort: HubSort = HubSort.DOWNLOADS,
    author: str = "",
    limit: int = 20,
    **more: str,
) -> tuple[HubModel, ...]:
    with ModelHub(door).search({**server.environment, **more}) as hub:
        return hub.models(words, sort, author, limit)


def names(models: tuple[HubModel, ...]) -> list[str]:
    return [model.repo for model in models]


def test_what_the_hub_says_of_a_repo_is_kept(server: HubServer, door: Door):
    large, small = search(server, door, "gguf")
    assert small == HubModel(
        repo="one/Small-GGUF",
        downloads=5,
        likes=9,
        changed_ms=1_767_225_600_000,
        licence="mit",
        parameters=7,
        quants=("Q4_K_M", "Q8_0"),
        quant="Q4_K_M",
    )
    assert (large.is_gated, large.parameters, large.licence) == (True, 0, "")


def test_the_order_is_the_one_that_was_asked_for(server: HubServer, door: Door):
    orders = {sort: names(search(server, door, "gguf", sort)) for sort in HubSort}
    assert orders == {
        HubSort.DOWNLOADS: ["two/Large-GGUF", "one/Small-GGUF"],
        HubSort.LIKES: ["one/Small-GGUF", "two/Large-GGUF"],
        HubSort.RECENT: ["two/Large-GGUF", "one/Small-GGUF"],
    }


def test_words_author_and_limit_narrow_it(server: HubServer, door: Door):
    assert names(search(server, door, "small")) == ["one/Small-GGUF"]
    assert names(search(server, door, author="two")) == ["two/Large-GGUF"]
    assert names(search(server, door, limit=1)) == ["two/Large-GGUF"]
    assert search(server, door, "nothing of the kind") == ()


def test_it_goes_through_the_door(server: HubServer, door: Door):
    search(server, door, "small", HF_TOKEN="hf_good")
    (contact,) = door.ledger.contacts()
    assert (contact.purpose, contact.requests) == ("search", 1)
    (asked,) = server.log("api")
    assert asked.token == "hf_good"
    with pytest.raises(KnownError) as caught:
        search(server, door, "small", HF_HUB_OFFLINE="1")
    assert caught.value.notice.code is NoticeCode.OFFLINE
    assert len(server.log("api")) == 1


@pytest.mark.parametrize(
    ("fault", "code", "is_passing"),
    [
        ({"kind": "status", "status": 503}, NoticeCode.HUB_REFUSED, True),
        ({"kind": "status", "status": 403}, NoticeCode.HUB_REFUSED, False),
        ({"kind": "html"}, NoticeCode.HUB_REFUSED, False),
        ({"kind": "redirect", "location": "ftp://x/y"}, NoticeCode.NETWORK_UNREACHABLE, True),
    ],
)
def test_faults_are_known(
    server: HubServer, door: Door, fault: dict[str, object], code: NoticeCode, is_passing: bool
):
    server.fault(where="api", **fault)  # type: ignore[arg-type]
    with pytest.raises(KnownError) as caught:
        search(server, door, "small")
    assert caught.value.notice.code is code
    assert isinstance(caught.value, PassingError) == is_passing


def test_a_wrong_token_is_a_matter_of_signing_in(server: HubServer, door: Door):
    with pytest.raises(KnownError) as caught:
        search(server, door, "small", HF_TOKEN="nonsense")
    assert caught.value.notice.actions == (Action.SIGN_IN,)


def test_an_ended_search_ends(server: HubServer, door: Door):
    with ModelHub(door).search(server.environment) as hub:
        hub.abort()
        with pytest.raises(KnownError):
            hub.models("small", HubSort.LIKES, "", 5)
