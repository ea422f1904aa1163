from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.domain.engine import Confinement
from app.engine.wire import Hello
from app.engine.worker import __main__ as entry
from app.spawn import Role, engine_environment, role_argv


@pytest.mark.llama
def test_without_a_host_it_ends_at_once():
    done = subprocess.run(
        role_argv(Role.ENGINE),
        env=engine_environment(),
        input=b"",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout == b""


def test_a_bug_ends_it_with_a_reason_and_a_code(monkeypatch, expect_log, tmp_path):
    """In this process, which must stay as free as it is."""
    expect_log("the engine child ended")

    class Broken:
        def __init__(self, *_streams: object) -> None:
            pass

        def run(self) -> None:
            raise ZeroDivisionError

    with (tmp_path / "in").open("wb+") as incoming, (tmp_path / "out").open("wb+") as outgoing:
        monkeypatch.setattr(entry, "take_over_pipes", lambda: (incoming, outgoing))
        monkeypatch.setattr("faulthandler.enable", lambda: None)
        monkeypatch.setattr("logging.basicConfig", lambda **_: None)
        monkeypatch.setattr("app.engine.worker.child.Child", Broken)
        monkeypatch.setattr("app.engine.worker.child.greeting", lambda _: Hello())
        monkeypatch.setattr(entry, "confine_child", lambda _: Confinement())
        assert entry.main() == 1


def test_the_wire_is_moved_out_of_native_codes_reach():
    """In a process of its own: it changes what descriptors 0 and 1 are."""
    script = (
        "import os\n"
        "from app.engine.worker.__main__ import take_over_pipes\n"
        "incoming, outgoing = take_over_pipes()\n"
        "os.write(1, b'noise')\n"
        "assert os.read(0, 10) == b''\n"
        "outgoing.write(b'echo ' + incoming.read()); outgoing.flush()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**engine_environment(), "PYTHONPATH": os.pathsep.join(sys.path)},
        input=b"hello",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"echo hello", b"noise")
