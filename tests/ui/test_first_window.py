"""A second `cove` finds the first window of its home, and only that."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.waiting import wait_until
from ui import first_window
from ui.first_window import FirstWindow, take_leave

ROOT = Path(__file__).resolve().parent.parent.parent
# `cove` with a host in memory, telling what becomes of its window, which puts itself away at once.
COVE = """
import sys, ui.application as a
from app.paths import resolve
from PySide6.QtCore import QTimer
from tests.ui.fake_client import FakeHost
a.open_client = lambda paths, *, kind, listener: FakeHost().open(listener)
class Told(a.Application):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        QTimer.singleShot(0, self.tell)
    def tell(self):
        self.window.showMinimized()
        print("away" if self.window.isMinimized() else "there", flush=True)
    def come_forward(self, *arguments):
        super().come_forward(*arguments)
        print("away" if self.window.isMinimized() else "there", *arguments, flush=True)
a.Application = Told
sys.exit(a.run(resolve(sys.argv[1]), file=sys.argv[2]))
"""


class Calling(threading.Thread):
    """Calls as another process would, while this one's loop runs."""

    def __init__(self, address, file=""):
        super().__init__()
        self._deed = lambda: FirstWindow(address).call_other(file)
        self.was_answered = None
        self.start()

    def run(self):
        self.was_answered = self._deed()


@pytest.fixture
def address(tmp_path):
    return str(tmp_path / "w.sock")


def test_the_first_window_comes_forward(qtbot, qapp, address):
    first = FirstWindow(address)
    assert first.claim()
    with qtbot.waitSignal(first.forward_wanted):
        caller = Calling(address)
    caller.join()
    assert caller.was_answered
    assert not FirstWindow(address + "2").call_other()  # of another home
    first.close()
    assert not FirstWindow(address).call_other()


def test_a_file_reaches_the_first_window_whatever_its_name(qtbot, qapp, address, monkeypatch):
    first = FirstWindow(address)
    assert first.listen()
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "leave-7")
    for path in ("/models/Đường dẫn 空.gguf", "/" + "long/" * 20_000 + "m.gguf", ""):
        with qtbot.waitSignal(first.forward_wanted) as wanted:
            caller = Calling(address, path)
        caller.join()
        assert wanted.args == [path, "leave-7"]
    first.close()


def test_a_wayland_screen_s_leave_is_handed_to_qt(monkeypatch):
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "old")
    take_leave("")
    assert os.environ["XDG_ACTIVATION_TOKEN"] == "old"
    take_leave("new")
    assert os.environ["XDG_ACTIVATION_TOKEN"] == "new"


def test_what_a_killed_window_left_is_no_window(qapp, address, tmp_path):
    (tmp_path / "w.sock").write_text("")
    window = FirstWindow(address)
    assert window.claim()
    assert window._server is not None
    window.close()


def test_a_window_that_is_just_closing_is_none(qapp, address):
    """It takes the call, but nobody is there any more to answer it."""
    closing, opening = FirstWindow(address), FirstWindow(address)
    assert closing.listen()
    caller = Calling(address)
    wait_until(lambda: _is_called(closing))
    closing.close()
    caller.join()
    assert caller.was_answered is False
    assert opening.claim()
    closing.close()
    opening.close()


def _is_called(window):
    try:
        assert window._server is not None
        caller, _ = window._server.accept()
    except BlockingIOError:
        return False
    caller.close()
    return True


def test_who_is_first_is_settled_before_another_looks(qtbot, qapp, address, monkeypatch):
    has_come = threading.Event()
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: has_come.set())
    monkeypatch.setattr(first_window, "time", clock)

    class Slow(FirstWindow):
        def listen(self):
            other.start()
            assert has_come.wait(20)
            return super().listen()

    class Eager(FirstWindow):
        def call_other(self, file=""):
            was_answered = super().call_other(file)
            has_come.set()
            return was_answered

    first, second = Slow(address), Eager(address)
    claims: list[bool] = []
    other = threading.Thread(target=lambda: claims.append(second.claim()))
    assert first.claim()
    with qtbot.waitSignal(first.forward_wanted):
        pass
    other.join()
    assert claims == [False]
    first.close()


def test_one_that_hangs_is_waited_for_no_longer_than_needed(qapp, address, monkeypatch):
    monkeypatch.setattr(first_window, "ANSWER_S", 0.05)
    hanging, opening = FirstWindow(address), FirstWindow(address)
    assert hanging.listen()
    assert opening.claim()
    hanging.close()
    assert Path(address).exists()  # the other's by now
    opening.close()
    assert not Path(address).exists()


def test_the_folder_is_made_for_this_user_alone(qapp, tmp_path):
    window = FirstWindow(str(tmp_path / "new" / "w.sock"))
    assert window.claim()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    window.close()


def test_without_its_folder_a_window_opens_all_the_same(qapp, tmp_path):
    (tmp_path / "file").write_text("")
    window = FirstWindow(str(tmp_path / "file" / "w.sock"))
    assert window.claim()
    assert window._server is None
    window.close()


def test_where_there_are_no_such_sockets_each_opens(qapp, address, monkeypatch):
    monkeypatch.delattr(socket, "AF_UNIX")
    assert FirstWindow(address).claim()


@pytest.fixture
def start(home):
    """Starts `cove` processes of one home."""
    started: list[subprocess.Popen[str]] = []

    def start(file=""):
        command = [sys.executable, "-c", COVE, str(home), file]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_of_two_started_at_once_one_opens_and_the_other_brings_it_forward(start):
    processes = [start(), start()]
    wait_until(lambda: sum(process.poll() is None for process in processes) == 1, 60)
    (first,) = [process for process in processes if process.poll() is None]
    (other,) = [process for process in processes if process is not first]
    assert (other.returncode, other.stdout.read()) == (0, "")
    lines = [first.stdout.readline() for _ in range(2)]
    assert sorted(lines) == ["away\n", "there  \n"]
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0


def test_a_second_start_brings_the_first_forward_with_its_file_and_after_a_kill_opens(start):
    first = start()
    assert first.stdout.readline() == "away\n"
    second = start("/models/mine.gguf")
    assert second.wait(60) == 0
    assert first.stdout.readline() == "there /models/mine.gguf \n"
    first.kill()
    first.wait()
    third = start()
    assert third.stdout.readline() == "away\n"
