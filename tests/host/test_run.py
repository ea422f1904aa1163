"""The host's process as a person starts it: `cove host --foreground`. Its life is in test_lifetime.py."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.host.__main__ import main
from app.host.lock import HostLock
from app.paths import resolve
from tests.fakes.hosts import has_host
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


def test_who_loses_the_race_ends_well(home: Path) -> None:
    paths = resolve(home)
    paths.make()
    lock = HostLock(paths.lock)
    assert lock.take()
    loser = subprocess.run([*ARGUMENTS, "--home", str(home)], capture_output=True, text=True, check=False)
    lock.release()
    assert loser.returncode == 0
    assert "Another host" in loser.stderr


def test_a_home_that_cannot_be_used_ends_in_1(tmp_path: Path, expect_log: Callable[..., None]) -> None:
    expect_log("The home cannot be used")
    (tmp_path / "file").touch()
    assert main(["--home", str(tmp_path / "file" / "home")]) == 1
