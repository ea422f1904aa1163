"""What a host says of itself, and when it lets go. Its promises to clients are in tests/contract."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from app.client.protocol import CreateChat, ListProcesses, Processes, Quit, Refused, Send, StopTurn, Welcome
from app.domain.ids import new_id
from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.events import HostLeaving
from tests.fakes.hosts import TwinHost, identity
from tests.fakes.recorder import Recorder


@pytest.fixture
def host(home: Path) -> Iterator[TwinHost]:
    host = TwinHost(home)
    yield host
    host.close()


def test_it_tells_who_is_here_and_what_runs(host: TwinHost) -> None:
    heard = Recorder()
    client = host.client(heard)
    other = host.client()
    other.call(CreateChat(chat_id=new_id()))
    processes = client.call(ListProcesses())
    assert isinstance(processes, Processes)
    assert processes.host_pid == os.getpid()
    assert processes.clients == 2
    assert processes.engines == ()
    other.close()


def test_a_working_host_refuses_a_polite_quit_and_obeys_a_plain_one(host: TwinHost) -> None:
    heard = Recorder()
    client = host.client(heard)
    chat_id, answer_id = new_id(), new_id()
    client.call(CreateChat(chat_id=chat_id))
    client.call(Send(chat_id=chat_id, message_id=new_id(), answer_id=answer_id, text="/hold words"))
    heard.wait_for_text(answer_id)
    with pytest.raises(KnownError) as refusal:
        client.call(Quit(if_idle=True))
    assert refusal.value.notice.code is NoticeCode.HOST_REFUSED
    assert not host.twin.host.leaving.is_set()
    client.call(StopTurn(answer_id=answer_id))
    heard.wait_for_end(answer_id)
    client.call(Quit())
    assert host.twin.host.leaving.is_set()
    assert heard.wait_for(HostLeaving) == HostLeaving()


@pytest.mark.parametrize(
    ("version", "protocol", "expected"),
    [
        (app.__version__, 1, Welcome),
        ("0.0.9", 1, Welcome),
        ("0.0.9", 0, Refused),
        ("not a version", 1, Welcome),
    ],
)
def test_who_is_welcome(host: TwinHost, version: str, protocol: int, expected: type) -> None:
    greeting = host.twin.host.greet(identity(version, protocol=protocol))
    assert isinstance(greeting, expected)
    if isinstance(greeting, Refused):
        assert greeting.notice.facts == {"host_version": app.__version__, "client_version": version}


def test_a_newer_client_makes_an_idle_host_leave_without_a_word(host: TwinHost) -> None:
    assert host.twin.host.greet(identity("0.2")) is None
    assert host.twin.host.leaving.is_set()


def test_nobody_is_admitted_after_the_end(host: TwinHost) -> None:
    host.twin.close()
    transport = host.twin.connect()
    with pytest.raises(Exception, match="closed"):
        transport.receive()
