from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.host.lock import HostLock


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    first, second = HostLock(tmp_path / "host.lock"), HostLock(tmp_path / "host.lock")
    assert first.take()
    assert first.is_ours
    assert not second.take()
    assert not second.is_ours
    first.release()
    assert second.take()
    second.release()


def test_a_killed_holder_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "host.lock"
    script = (
        "import sys, pathlib; from app.host.lock import HostLock; lock = HostLock(pathlib.Path(sys.argv[1]));"
        "print(lock.take(), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"True"
        lock = HostLock(path)
        assert not lock.take()
        holder.kill()
        holder.wait()
        assert lock.take()
        lock.release()


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_lock_whose_file_is_gone_is_no_longer_ours(tmp_path: Path, how: str) -> None:
    path = tmp_path / "host.lock"
    lock = HostLock(path)
    assert lock.take()
    if how == "replaced":
        (tmp_path / "other").touch()
        (tmp_path / "other").replace(path)
    else:
        path.unlink()
    assert not lock.is_ours
    lock.release()
