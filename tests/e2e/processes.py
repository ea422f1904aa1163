"""Cove as a user has it: spawned processes, nothing of it in the test's own process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.architecture.sources import ROOT
from tests.waiting import wait_until

LIMIT_S = 90
ENTRY = [sys.executable, "-m", "ui"]


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out.splitlines()[-1])


class Running:
    """A verb that runs; what it has written so far is read as it comes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.out = b""

    def read_until(self, part: str) -> str:
        """Reads stdout up to and with `part`."""
        assert self.process.stdout is not None
        while part.encode() not in self.out:
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, f"ended before {part!r}: {self.out!r} {self.process.communicate()[1]!r}"
            self.out += piece
        return self.out.decode()

    def read_chars(self, count: int) -> None:
        """Reads until at least so much was written."""
        assert self.process.stdout is not None
        while len(self.out) < count:
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, f"ended at {self.out!r}"
            self.out += piece

    def end(self, stdin: str | None = None) -> Result:
        """Waits for the end; what does not end is aborted, and says where it was."""
        given = None if stdin is None else stdin.encode()
        try:
            rest, err = self.process.communicate(given, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            raise AssertionError(self.process.communicate()[1].decode()) from None
        return Result(self.process.returncode, (self.out + rest).decode(), err.decode())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


class Cove:
    """One home, its command line, and whatever it starts. Hosts are tethered to this process."""

    def __init__(self, home: Path, engine: str) -> None:
        self.home = home
        self._tether = home.parent / "tether"
        os.mkfifo(self._tether)
        # Opened for both, so that it opens at once; hosts read, and see the end when it is closed.
        self._hold = os.open(self._tether, os.O_RDWR | os.O_CLOEXEC)
        self.environment = {
            "COVE_ENGINE": engine,
            "COVE_TETHER": str(self._tether),
            "PYTHONFAULTHANDLER": "1",
        }

    def start(self, *argv: str, stdin: int = subprocess.DEVNULL, **options) -> Running:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": stdin, **options}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.environment}
        return Running(subprocess.Popen([*ENTRY, *argv], env=environment, cwd=self.home.parent, **pipes))

    def __call__(self, *argv: str, stdin: str | None = None) -> Result:
        return self.start(*argv, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE).end(stdin)

    def ask(self, *argv: str) -> dict:
        """Runs `run ... --json` and returns the answer."""
        result = self("run", *argv, "--json")
        assert result.code == 0, result
        return result.json

    def chats(self) -> list[dict]:
        return json.loads(self("export", "--all", "--json").out)

    def hosts(self) -> list[psutil.Process]:
        return self._processes("app.host")

    def engines(self) -> list[psutil.Process]:
        return self._processes("app.engine.worker")

    def close(self) -> None:
        os.close(self._hold)
        wait_until(lambda: not self.hosts() and not self.engines(), what="the end of the host")

    def _processes(self, module: str) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.cwd() == str(self.home) and module in process.cmdline():
                    found.append(process)
        return found


def kill(processes: list[psutil.Process]) -> None:
    """kill -9, and waits until they are gone."""
    assert processes
    for process in processes:
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(_is_alive(process) for process in processes), what="the killed to be gone")


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
