from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.host.lock import HostLock
from app.paths import resolve
from tests.fakes.hosts import hosts_of
from tests.waiting import wait_until


def test_detach_ends_the_starter_at_once_and_leaves_no_child(home: Path) -> None:
    """The lock is held here, so what goes on in the fork ends by itself."""
    paths = resolve(home)
    paths.make()
    lock = HostLock(paths.lock)
    assert lock.take()
    started = subprocess.run(
        [sys.executable, "-m", "app.host", "--detach", "--home", str(home)], check=False, timeout=20
    )
    assert started.returncode == 0
    wait_until(lambda: not hosts_of(home), what="the loser's end")
    lock.release()
