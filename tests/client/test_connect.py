from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.client.client import Client, ConnectionState
from app.client.connect import (
    HostConnector,
    command_environment,
    host_errors,
    open_client,
    start_host,
)
from app.client.protocol import ClientKind, Identity, ListProcesses, Processes, Quit
from app.client.transport import Transport
from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.host.listener import HostListener
from app.paths import Paths, resolve
from tests.fakes.hosts import SocketHost
from tests.waiting import wait_until


@pytest.fixture
def paths(home: Path) -> Paths:
    paths = resolve(home)
    paths.make()
    return paths


@pytest.fixture
def guests(paths: Paths) -> Iterator[list[Transport]]:
    guests: list[Transport] = []
    yield guests
    for guest in guests:
        guest.close()
        guest.release()


def test_a_connector_that_may_not_start_says_that_none_runs(paths: Paths) -> None:
    with pytest.raises(KnownError) as refusal:
        HostConnector(paths, may_start=False)(start=True)
    assert refusal.value.notice.code is NoticeCode.HOST_NOT_RUNNING


def test_a_connector_waits_for_the_host_it_started(paths: Paths, guests: list[Transport]) -> None:
    listeners: list[HostListener] = []
    connector = HostConnector(paths, start=lambda paths: listeners.append(HostListener(paths, guests.append)))
    assert connector(start=False) is None
    transport = connector(start=True)
    assert transport is not None
    wait_until(lambda: guests)
    transport.close()
    transport.release()
    listeners[0].close()
    assert len(listeners) == 1


def test_a_host_that_never_comes_is_unreachable(paths: Paths) -> None:
    starts: list[Paths] = []
    with pytest.raises(KnownError) as refusal:
        HostConnector(paths, limit_s=0.05, start=starts.append)(start=True)
    assert refusal.value.notice.code is NoticeCode.HOST_UNREACHABLE
    assert starts == [paths]


def test_who_is_closed_does_not_wait_for_a_host(paths: Paths) -> None:
    """As when a window is closed that never found one."""
    starts: list[Paths] = []
    connector = HostConnector(paths, limit_s=3600, start=starts.append)
    client = Client(connector, Identity(version="1"), closed=connector.closed).start()
    wait_until(lambda: starts)
    client.close()
    assert client.state is ConnectionState.CLOSED


def test_a_host_that_falls_over_at_its_start_is_quoted(paths: Paths) -> None:
    def fall_over(paths: Paths) -> None:
        host_errors(paths).write_text("Traceback\nImportError: no such thing\n")

    with pytest.raises(KnownError) as refusal:
        HostConnector(paths, limit_s=0.05, start=fall_over)(start=True)
    assert refusal.value.notice.facts["detail"] == "ImportError: no such thing"


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KnownError) as refusal:
        start_host(resolve(tmp_path / "file" / "home"))
    assert refusal.value.notice.code is NoticeCode.HOME_NOT_WRITABLE


def test_only_the_hub_s_and_proxies_variables_travel() -> None:
    environment = {"HF_TOKEN": "t", "https_proxy": "http://p", "HF_ENDPOINT": "", "PATH": "/bin", "HOME": "/"}
    assert command_environment(environment) == {"HF_TOKEN": "t", "HTTPS_PROXY": "http://p"}


def test_open_client_starts_a_host_and_finds_it_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = SocketHost(home)  # for its tether, and to end what is left
    monkeypatch.setenv("COVE_ENGINE", "scripted")
    monkeypatch.setenv("COVE_TETHER", str(host._tether))
    first = open_client(host.paths, kind=ClientKind.WINDOW)
    second = open_client(host.paths, may_start=False)
    one = first.call(ListProcesses())
    two = second.call(ListProcesses()) if second.is_connected else one
    assert isinstance(one, Processes)
    assert isinstance(two, Processes)
    assert one.host_pid == two.host_pid
    first.call(Quit())
    for client in (first, second):
        client.close()
    wait_until(host.is_gone)
    host.close()
