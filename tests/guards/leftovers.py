"""Finds what a test left behind: threads, processes (orphans by their working folder), Qt objects."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import wait_until

PATIENCE_S = 5.0  # what is ending already may take this long

Found = dict[Any, str]


class LeftoverGuard:
    """Remembers what there was before a test, and tells afterwards what is there in addition.

    `root` is the folder of all homes of this test run. A host and its children work in their home, so they
    are found even when the process that started them is long gone.
    """

    def __init__(self, root: Path, *, with_qt: bool) -> None:
        self._finders: list[Callable[[], Found]] = [_threads, lambda: _processes(root)]
        if with_qt:
            self._finders.append(_qt_objects)
        self._before = [set(find()) for find in self._finders]

    def complaints(self) -> list[str]:
        """Waits for what is on its way out; kills and reports the rest."""
        deadline = time.monotonic() + PATIENCE_S
        while (left := self._left()) and time.monotonic() < deadline:
            time.sleep(0.01)
        for thing in left:
            if isinstance(thing, psutil.Process):
                _kill(thing)
        return [f"left behind: {text}" for text in left.values()]

    def _left(self) -> Found:
        left: Found = {}
        for find, before in zip(self._finders, self._before, strict=True):
            left.update({thing: text for thing, text in find().items() if thing not in before})
        return left


def _threads() -> Found:
    # Threads that Python did not start (Qt's) are shown as dummies and are never taken off the list.
    return {
        thread: f"thread {thread.name}"
        for thread in threading.enumerate()
        if not isinstance(thread, threading._DummyThread)
    }


def _processes(root: Path) -> Found:
    children = psutil.Process().children(recursive=True) if _has_children() else []
    found: Found = {}
    for process in [*children, *_working_in(root)]:
        try:
            # A zombie is not running; whether it is reaped is up to its parent.
            if process.status() != psutil.STATUS_ZOMBIE:
                found[process] = f"process {process.pid} {process.cmdline()}"
        except psutil.Error:
            continue
    return found


def _has_children() -> bool:
    """Says whether there is any child, in microseconds (asking each process for its parent takes 3 ms)."""
    if not hasattr(os, "waitid"):
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _working_in(root: Path) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    prefix, own = str(root), os.getpid()
    for pid in psutil.pids():
        try:
            # Twice a test over all processes: a Path of each took three times as long.
            folder = os.readlink(f"/proc/{pid}/cwd") if psutil.LINUX else psutil.Process(pid).cwd()  # noqa: PTH115
            if folder.startswith(prefix) and pid != own:
                found.append(psutil.Process(pid))
        except (psutil.Error, OSError):
            continue
    return found


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
        # Not `wait`: reaping it here would steal its exit code from whoever started it.
        wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 5)
    except psutil.Error:
        return


def _qt_objects() -> Found:
    """Returns top-level widgets and running timers. Looks through all Python objects: for Qt tests only."""
    if "PySide6.QtWidgets" not in sys.modules:
        return {}
    import shiboken6  # not every test run has Qt loaded
    from PySide6.QtCore import QCoreApplication, QEvent, QTimer
    from PySide6.QtWidgets import QApplication

    if not isinstance(QApplication.instance(), QApplication):
        return {}
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    timers = [thing for thing in gc.get_objects() if type(thing) is QTimer and shiboken6.isValid(thing)]
    found: Found = {id(timer): f"timer of {timer.parent()}" for timer in timers if timer.isActive()}
    found.update({id(widget): f"top-level {widget}" for widget in QApplication.topLevelWidgets()})
    return found
