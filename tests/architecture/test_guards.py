"""The guards of conftest.py see what they are meant to see."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from tests.guards import leftovers, network
from tests.guards.leftovers import LeftoverGuard
from tests.guards.logs import LogGuard


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(leftovers, "PATIENCE_S", 0.05)


def _record(message: str) -> logging.LogRecord:
    return logging.LogRecord("app.x", logging.WARNING, __file__, 1, message, None, None)


def test_an_undeclared_warning_is_reported():
    assert LogGuard().complaints([_record("disk is odd")]) == ["logged: WARNING app.x: disk is odd"]


def test_a_declared_warning_must_come():
    guard = LogGuard()
    guard.expect("disk is")
    assert guard.complaints([_record("disk is odd")]) == []
    assert guard.complaints([]) == ["never logged: disk is"]


def test_an_allowed_warning_may_come():
    guard = LogGuard()
    guard.expect("disk is", maybe=True)
    assert guard.complaints([_record("disk is odd")]) == guard.complaints([]) == []


def test_a_thread_is_reported(impatient, tmp_path):
    guard = LeftoverGuard(tmp_path, with_qt=False)
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="straggler", daemon=True)
    thread.start()
    try:
        assert guard.complaints() == ["left behind: thread straggler"]
    finally:
        end.set()
        thread.join()


def test_a_child_is_reported_and_killed(impatient, tmp_path):
    guard = LeftoverGuard(tmp_path, with_qt=False)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        (complaint,) = guard.complaints()
        assert f"process {child.pid}" in complaint
        assert child.wait(5) != 0


def test_an_orphan_that_works_in_a_home_is_reported_and_killed(impatient, home: Path):
    home.mkdir()
    guard = LeftoverGuard(home, with_qt=False)
    parent = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", parent], cwd=home, check=True)
    (complaint,) = guard.complaints()
    assert "time.sleep" in complaint
    assert guard.complaints() == []


def test_a_window_and_a_running_timer_are_reported(impatient, qapp, tmp_path):
    guard = LeftoverGuard(tmp_path, with_qt=True)
    widget, timer = QWidget(), QTimer()
    timer.start(1000)
    assert len(guard.complaints()) == 2
    timer.stop()
    widget.deleteLater()
    assert guard.complaints() == []


@pytest.mark.parametrize(("host", "is_local"), [("127.0.0.9", True), ("::1", True), ("192.0.2.1", False)])
def test_loopback_is_told_from_the_rest(host, is_local):
    assert network.is_local(host) is is_local


def test_leaving_the_machine_is_refused_and_remembered():
    with pytest.raises(OSError, match="stay on this machine"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(OSError, match="stay on this machine"):
        socket.getaddrinfo("example.com", 443)
    assert len(network.take_attempts()) == 2
