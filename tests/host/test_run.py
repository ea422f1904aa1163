"""The host's process as a person starts it: `cove host --foreground`. Its life is in test_lifetime.py."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.host.lock import HostLock
from app.paths import resolve
from tests.fakes.hosts import has_host, lock_is_free
from tests.waiting import wait_until

ARGUMENTS = [sys.executable, "-m", "app.host", "--engine", "scripted", "--foreground"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_foreground_host_logs_to_the_terminal_and_leaves_on_a_signal(
    home: Path, number: signal.Signals
) -> None:
    with subprocess.Popen([*ARGUMENTS, "--home", str(home)], stderr=subprocess.PIPE, text=True) as host:
        wait_until(lambda: has_host(resolve(home)), what="the host")
        host.send_signal(number)
        _, errors = host.communicate()
    assert host.returncode == 0
    assert "is up" in errors
    assert "has left" in errors
    assert not resolve(home).address.exists()


def run(home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ARGUMENTS, "--home", str(home)], capture_output=True, text=True, check=False)


def test_who_loses_the_race_ends_well(home: Path) -> None:
    paths = resolve(home)
    paths.make()
    lock = HostLock(paths.lock)
    assert lock.take()
    loser = run(home)
    lock.release()
    assert loser.returncode == 0
    assert "Another host" in loser.stderr


def test_a_home_that_cannot_be_used_ends_in_1(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run(tmp_path / "file" / "home")
    assert ended.returncode == 1
    assert "The home cannot be used" in ended.stderr


def test_a_socket_that_cannot_be_opened_ends_in_1(home: Path) -> None:
    paths = resolve(home)
    paths.make()
    paths.runtime.parent.mkdir(parents=True, exist_ok=True)
    paths.runtime.touch()  # in the folder's place
    ended = run(home)
    assert ended.returncode == 1
    assert "The control socket cannot be opened" in ended.stderr
    assert lock_is_free(paths)
