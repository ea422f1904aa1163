"""The transport: every request passes the door, is counted, and fails in our words."""

from __future__ import annotations

import socket
import threading

import httpx2
import pytest

from app.domain.notice import NoticeCode
from app.errors import BugError, KnownError
from app.network.door import Door, PassingError
from app.network.environment import NetworkEnvironment
from app.network.ledger import Ledger
from app.network.transport import DoorTransport, Pools, Route, current_route
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_server import HubServer
from tests.waiting import wait_until


class Way:
    """A client whose requests take one route, as huggingface_hub's do within a session."""

    def __init__(self, hub: HubServer, **variables: str) -> None:
        self.is_offline = False
        self.ledger = Ledger()
        self.door = Door(self.ledger, lambda: self.is_offline)
        self.pools = Pools()
        environment = NetworkEnvironment.of({"HF_ENDPOINT": hub.url, **variables})
        self.route = Route(self.door, environment, "test", self.pools)
        self.client = httpx2.Client(transport=DoorTransport(), follow_redirects=True, trust_env=False)

    def get(self, url: str) -> httpx2.Response:
        token = current_route.set(self.route)
        try:
            return self.client.get(url, timeout=httpx2.Timeout(2, read=20))
        finally:
            current_route.reset(token)

    def fault(self, url: str) -> PassingError:
        with pytest.raises(PassingError) as caught:
            self.get(url)
        assert caught.value.notice.code is NoticeCode.NETWORK_UNREACHABLE
        return caught.value


@pytest.fixture
def hub():
    with HubServer() as server:
        server.add_repo("me/a", {"a.gguf": gguf_bytes(100_000), "README.md": b"hello"})
        yield server


@pytest.fixture
def way(hub: HubServer):
    made = Way(hub)
    yield made
    made.pools.close()


FILE = "/me/a/resolve/main/a.gguf"


def test_every_host_on_the_way_is_written_down(hub: HubServer, way: Way):
    body = way.get(hub.url + FILE).content
    first, second = way.ledger.contacts()
    assert (first.host, first.requests) == (f"127.0.0.1:{hub.port}", 1)
    assert (second.host, second.requests, second.received_bytes) == (
        hub.storage_url.removeprefix("http://"),
        1,
        len(body),
    )
    assert first.purpose == "test"


def test_cookies_are_not_kept(hub: HubServer, way: Way):
    response = way.get(hub.url + FILE)
    assert "set-cookie" not in response.headers
    assert len(way.client.cookies) == 0


def test_offline_nothing_leaves(hub: HubServer, way: Way):
    way.is_offline = True
    with pytest.raises(KnownError) as caught:
        way.get(hub.url + FILE)
    assert caught.value.notice.code is NoticeCode.OFFLINE
    assert hub.log() == []
    assert way.ledger.hosts() == ()


def test_going_offline_ends_what_comes_in(hub: HubServer, way: Way):
    token = current_route.set(way.route)
    with way.client.stream("GET", hub.url + FILE) as response:
        chunks = response.iter_raw()
        next(chunks)
        way.is_offline = True
        with pytest.raises(KnownError) as caught:
            next(chunks)
    current_route.reset(token)
    assert caught.value.notice.code is NoticeCode.OFFLINE


def test_faults_come_in_our_words(hub: HubServer, way: Way):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert way.fault(f"http://127.0.0.1:{port}/").notice.facts["detail"] == "ConnectError"
    hub.fault("cut", after=10)
    assert way.fault(hub.url + FILE).notice.facts["detail"] == "RemoteProtocolError"
    hub.fault("reset", after=10)
    assert way.fault(hub.url + FILE).notice.facts["host"] == hub.storage_url.removeprefix("http://")


def test_a_request_without_a_session_is_our_mistake(hub: HubServer, way: Way):
    with pytest.raises(BugError):
        way.client.get(hub.url)
    assert hub.log() == []


@pytest.mark.parametrize(("kind", "where"), [("silent", "resolve"), ("silent", "cdn"), ("stall", "cdn")])
def test_a_wait_for_the_far_side_can_be_ended(hub: HubServer, way: Way, kind: str, where: str):
    hub.fault(kind, where=where, after=1000)
    caught: list[KnownError] = []

    def ask() -> None:
        try:
            way.get(hub.url + FILE)
        except KnownError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: any(entry.fault == kind for entry in hub.log(where)))
    way.route.abort()
    thread.join(5)
    assert not thread.is_alive()
    assert caught[0].notice.facts["detail"] == "aborted"
    with pytest.raises(KnownError, match="aborted"):
        way.get(hub.url + FILE)


def test_requests_go_through_the_proxy_and_say_so(hub: HubServer):
    """The fake Hub serves as a proxy: it is asked for a whole address of a host that does not exist."""
    way = Way(hub, HTTP_PROXY=hub.url)
    way.get("http://nowhere.test/me/a/resolve/main/README.md")
    (contact,) = way.ledger.contacts()
    assert (contact.host, contact.via) == ("nowhere.test", "127.0.0.1")
    assert [entry.path for entry in hub.log()] == ["/me/a/resolve/main/README.md"]
    way.pools.close()


def test_a_proxy_of_an_unknown_kind_is_named(hub: HubServer):
    way = Way(hub, HTTP_PROXY="gopher://old")
    with pytest.raises(KnownError) as caught:
        way.get("http://nowhere.test/")
    assert caught.value.notice.facts == {"host": "proxy", "detail": "proxy-kind"}
