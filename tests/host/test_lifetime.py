"""A real host process, from its start to its leaving."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.client.client import Client
from app.client.protocol import ChangeSetting, CreateChat, ListProcesses, Processes, Quit, Send
from app.domain.ids import new_id
from app.domain.notice import NoticeCode
from app.errors import KnownError
from tests.fakes.hosts import SocketHost, has_host, lock_is_free
from tests.fakes.recorder import Recorder
from tests.waiting import wait_until


@pytest.fixture
def host(home: Path) -> Iterator[SocketHost]:
    host = SocketHost(home)
    yield host
    host.close()


def hold_a_turn(client: Client, heard: Recorder) -> str:
    chat_id, answer_id = new_id(), new_id()
    client.call(CreateChat(chat_id=chat_id))
    client.call(Send(chat_id=chat_id, message_id=new_id(), answer_id=answer_id, text="/hold words"))
    heard.wait_for_text(answer_id)
    return answer_id


def test_a_host_that_nobody_needs_leaves_and_frees_everything(host: SocketHost) -> None:
    client = host.client()
    client.call(ChangeSetting(key="host.linger_s", value=0))
    assert has_host(host.paths)
    client.close()
    wait_until(host.is_gone)
    assert lock_is_free(host.paths)
    assert not Path(host.paths.socket).exists()
    assert not host.paths.address.exists()


def test_a_loaded_model_keeps_the_host(host: SocketHost) -> None:
    heard = Recorder()
    client = host.client(heard)
    client.call(ChangeSetting(key="host.linger_s", value=0))
    hold_a_turn(client, heard)
    client.close()
    again = host.client()
    processes = again.call(ListProcesses())
    assert isinstance(processes, Processes)
    assert [process.pid for process in host.processes()] == [processes.host_pid]
    assert len(processes.engines) == 1


def test_quit_ends_it_and_refuses_while_it_works_if_asked_so(host: SocketHost) -> None:
    heard = Recorder()
    client = host.client(heard)
    answer_id = hold_a_turn(client, heard)
    with pytest.raises(KnownError) as refusal:
        client.call(Quit(if_idle=True))
    assert refusal.value.notice.code is NoticeCode.HOST_REFUSED
    client.call(Quit())
    heard.wait_for_end(answer_id)
    client.close()
    wait_until(host.is_gone)


def test_a_host_whose_home_vanishes_leaves(host: SocketHost) -> None:
    client = host.client()
    client.call(ListProcesses())
    client.close()
    shutil.rmtree(host.paths.home)
    wait_until(host.is_gone)


def test_a_cut_tether_ends_it(host: SocketHost) -> None:
    client = host.client()
    client.call(ListProcesses())
    client.close()
    os.close(host._hold)
    wait_until(host.is_gone)
    host._hold = os.open(os.devnull, os.O_RDONLY)


def test_a_second_host_of_a_home_ends_at_once(host: SocketHost) -> None:
    client = host.client()
    first = client.call(ListProcesses())
    host.start(host.paths)
    second = client.call(ListProcesses())
    assert isinstance(first, Processes)
    assert isinstance(second, Processes)
    wait_until(lambda: len(host.processes()) == 1)
    assert first.host_pid == second.host_pid


def test_a_home_that_cannot_be_opened_is_said_to_every_client(host: SocketHost) -> None:
    host.paths.database.mkdir()
    client = host.client()
    with pytest.raises(KnownError) as refusal:
        client.call(CreateChat(chat_id=new_id()))
    assert refusal.value.notice.code is NoticeCode.HOME_NOT_WRITABLE
