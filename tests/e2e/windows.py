"""The window as a user has it: a process of its own, which a test types at and looks at."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Protocol

import psutil

from tests.architecture.sources import ROOT
from tests.e2e.processes import Cove
from tests.waiting import wait_until

LIMIT_S = 60
HOST, ENGINE = "app.host", "app.engine.worker"
STAGED_HOST, STAGED_ENGINE = "tests.fakes.staged_host", "tests.fakes.scripted_child"
_SIZE = "1280x900x24"
_X_NAMES = {"Return": "Return", "Down": "Down", "Esc": "Escape"}  # what X does not spell in small letters


class Sight(SimpleNamespace):
    """What `watched_window` says of the screen."""

    @property
    def answer(self) -> str:
        """The last message; empty when there is none."""
        return self.messages[-1] if self.messages else ""


class Keyboard(Protocol):
    """What a test types with."""

    def type(self, text: str) -> None: ...

    def press(self, combination: str) -> None:
        """`combination` as Qt spells it: "Ctrl+N", "Return"."""


class Window:
    """One `cove`. `sight` is what it shows now; keys go to whatever has the focus."""

    def __init__(self, cove: Cove, *arguments: str, platform: str = "offscreen", display: str = "") -> None:
        environment = {
            **os.environ,
            **cove.environment,
            "COVE_HOME": str(cove.home),
            "PYTHONPATH": str(ROOT),
            "QT_QPA_PLATFORM": platform,
            "DISPLAY": display,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.watched_window", *arguments],
            env=environment,
            cwd=cove.home.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.keyboard: Keyboard = _Told(self)

    @property
    def sight(self) -> Sight:
        return self.order(look=True)

    def order(self, **order: object) -> Sight:
        """Has something done, and returns what there is to be seen after it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], LIMIT_S)[0]:
            self.process.send_signal(signal.SIGABRT)  # says where it was
            raise AssertionError(f"the window does not answer; it ended with {self.process.wait(LIMIT_S)}")
        line = self.process.stdout.readline()
        assert line, f"the window has ended: {self.process.wait(LIMIT_S)}"
        return Sight(**json.loads(line))

    def wait_for(self, holds: Callable[[Sight], object], what: str) -> Sight:
        """Waits until what is seen is so, and returns it."""
        last: list[Sight] = []

        def look() -> Sight | None:
            last[:] = [self.sight]
            return last[0] if holds(last[0]) else None

        try:
            return wait_until(look, LIMIT_S, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; seen: {last}") from None

    def type(self, text: str) -> None:
        self.keyboard.type(text)

    def press(self, *combinations: str) -> None:
        for combination in combinations:
            self.keyboard.press(combination)

    def send(self, text: str) -> None:
        self.type(text)
        self.wait_for(lambda seen: seen.can_press and seen.draft.endswith(text), "the text in the box")
        self.press("Return")

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def close(self) -> int:
        """As a session's end does; returns the exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Returns the exit code."""
        code = self.process.wait(LIMIT_S)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        return code


class _Told:
    """Keys that the window's process is told to press."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def type(self, text: str) -> None:
        self._window.order(type=text)

    def press(self, combination: str) -> None:
        self._window.order(press=combination)


class Screen:
    """A virtual screen, and a keyboard at it that is as real as X has one."""

    def __init__(self, display: str) -> None:
        self.display = display

    def type(self, text: str) -> None:
        self._do("type", "--delay", "12", text)

    def press(self, combination: str) -> None:
        self._do("key", "+".join(_X_NAMES.get(part, part.lower()) for part in combination.split("+")))

    def sit_at(self, window: Window) -> None:
        """Gives a window the keys. There is no window manager here that would."""
        number = wait_until(lambda: self._find(window.process.pid), LIMIT_S, "the window on the screen")
        self._do("windowfocus", "--sync", number)
        window.keyboard = self

    def _find(self, pid: int) -> str:
        found = self._do("search", "--onlyvisible", "--pid", str(pid), "--name", "Cove$", check=False)
        return (found.split() or [""])[0]

    def _do(self, *action: str, check: bool = True) -> str:
        environment = {**os.environ, "DISPLAY": self.display}
        done = subprocess.run(
            ["xdotool", *action], env=environment, check=check, stdout=subprocess.PIPE, text=True
        )
        return done.stdout


@contextmanager
def screen() -> Iterator[Screen]:
    missing = [
        name for name, program in (("xvfb", "Xvfb"), ("xdotool", "xdotool")) if not shutil.which(program)
    ]
    assert not missing, (
        f"A test on a virtual screen needs what is missing here: apt-get install {' '.join(missing)}"
    )
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", _SIZE, "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield Screen(f":{pipe.readline().strip()}")
    finally:
        server.terminate()
        server.wait()


class Desk(Cove):
    """A home with windows. `staged`: its engines are processes that play a script, to be killed."""

    def __init__(self, home: os.PathLike[str], engine: str = "scripted", *, staged: bool = False) -> None:
        super().__init__(home, engine)
        self._staged = staged
        self._windows: list[Window] = []

    def open(self, *arguments: str, at: Screen | None = None) -> Window:
        """Opens a window and waits until it is ready for a message."""
        where = {"platform": "xcb", "display": at.display} if at is not None else {}
        window = Window(self, STAGED_HOST if self._staged else HOST, *arguments, **where)
        self._windows.append(window)
        if at is not None:
            at.sit_at(window)
        window.wait_for(lambda seen: seen.focus == "Your message" and seen.model, "a window to write in")
        return window

    def hosts(self) -> list[psutil.Process]:
        return self._processes(STAGED_HOST if self._staged else HOST)

    def engines(self) -> list[psutil.Process]:
        return self._processes(STAGED_ENGINE if self._staged else ENGINE)

    def close(self) -> None:
        for window in self._windows:
            window.kill()
        super().close()
