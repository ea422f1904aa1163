from __future__ import annotations

import multiprocessing.connection
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.client.connect import connect_once
from app.client.transport import ConnectionLost, Transport
from app.host.listener import KEY_BYTES, HostListener
from app.paths import Paths, resolve
from tests.waiting import wait_until


@pytest.fixture
def paths(home: Path) -> Paths:
    paths = resolve(home)
    paths.make()
    return paths


class Hall:
    """Keeps whom the listener admits."""

    def __init__(self) -> None:
        self.guests: list[Transport] = []

    def close(self) -> None:
        for guest in self.guests:
            guest.close()
            guest.release()


@pytest.fixture
def hall(paths: Paths) -> Iterator[Hall]:
    hall = Hall()
    listener = HostListener(paths, hall.guests.append)
    yield hall
    listener.close()
    hall.close()


def leave(transport: Transport) -> None:
    transport.close()
    transport.release()


def test_who_knows_the_key_is_let_in(paths: Paths, hall: Hall) -> None:
    client = connect_once(paths)
    wait_until(lambda: hall.guests)
    client.send(b"hello")
    assert hall.guests[0].receive() == b"hello"
    leave(client)
    with pytest.raises(ConnectionLost):
        hall.guests[0].receive()


def test_who_does_not_know_it_is_not(paths: Paths, hall: Hall) -> None:
    paths.key.rename(paths.home / "true.key")
    paths.key.write_bytes(b"x" * KEY_BYTES)
    with pytest.raises(ConnectionLost):
        connect_once(paths)
    assert not hall.guests


def test_a_silent_peer_keeps_nobody_waiting_and_is_cut_off(paths: Paths, hall: Hall) -> None:
    silent = multiprocessing.connection.Client(paths.socket, "AF_UNIX")
    client = connect_once(paths)
    wait_until(lambda: len(hall.guests) == 1)
    silent.recv_bytes()  # the challenge, which it never answers
    with pytest.raises((EOFError, OSError)):
        silent.recv_bytes()
    silent.close()
    leave(client)


def test_a_frame_over_the_limit_ends_the_connection(paths: Paths, hall: Hall) -> None:
    client = connect_once(paths)
    wait_until(lambda: hall.guests)
    with pytest.raises(ValueError, match="limit"):
        client.send(b"x" * 1_000_001)
    raw = socket.socket(fileno=os.dup(client._connection.fileno()))
    raw.sendall((0x7FFFFFFF).to_bytes(4, "big"))
    with pytest.raises(ConnectionLost):
        hall.guests[0].receive()
    raw.close()
    leave(client)


def test_everything_is_private(paths: Paths, hall: Hall) -> None:
    assert stat.S_IMODE(paths.runtime.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(paths.socket).stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.key.stat().st_mode) == 0o600
    assert len(paths.key.read_bytes()) == KEY_BYTES
    assert len(paths.socket) <= 107


def test_a_dead_host_s_socket_is_taken_over_and_the_key_stays(paths: Paths) -> None:
    HostListener(paths, lambda transport: None).close()
    key = paths.key.read_bytes()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(paths.socket)
    assert Path(paths.socket).exists()
    HostListener(paths, lambda transport: None).close()
    assert paths.key.read_bytes() == key
    assert not paths.address.exists()


def test_a_key_that_was_cut_is_made_anew(paths: Paths) -> None:
    paths.key.write_bytes(b"short")
    HostListener(paths, lambda transport: None).close()
    assert len(paths.key.read_bytes()) == KEY_BYTES


def test_a_runtime_folder_open_to_others_is_closed(paths: Paths) -> None:
    paths.runtime.mkdir(parents=True, exist_ok=True)
    paths.runtime.chmod(0o755)
    HostListener(paths, lambda transport: None).close()
    assert stat.S_IMODE(paths.runtime.stat().st_mode) == 0o700


def test_a_runtime_folder_that_is_a_link_is_refused(paths: Paths, tmp_path: Path) -> None:
    paths.runtime.parent.mkdir(parents=True, exist_ok=True)
    paths.runtime.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        HostListener(paths, lambda transport: None)


def test_it_can_be_closed_when_its_socket_has_been_removed(paths: Paths) -> None:
    """A host once waited for ever for a last connection to a file that was gone."""
    listener = HostListener(paths, lambda transport: None)
    shutil.rmtree(paths.runtime)
    listener.close()
