"""One engine child as a process: its pipes, its threads, its end. Knows frames, but not what they mean.

Callers never wait for the child: writing, reading, stderr and reaping each have a thread. Whatever happens,
`on_exit` is called exactly once, after the last frame, when the child and its whole group are gone.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from app.domain.value import Value
from app.engine.wire import FromChild, Shutdown, ToChild, WireError, decode_from_child, encode, read_frame
from app.spawn import Role, kill_group, spawn

log = logging.getLogger(__name__)

TAIL_BYTES = 8192
LOGGED_BYTES = 1024 * 1024  # of one child's stderr; what comes after is only kept as the tail
LOG_FILE_BYTES = 4 * 1024 * 1024
DRAIN_S = 2.0

Launch = Callable[[Path, Mapping[str, str]], "subprocess.Popen[bytes]"]


class ExitFacts(Value):
    """How a child ended. `signal` is a name such as SIGKILL; `wire_error` says that it spoke nonsense."""

    code: int | None = None
    signal: str = ""
    stderr_tail: str = ""
    wire_error: str = ""


class LifeSigns(Value):
    """What a child's group has used up so far, helpers included."""

    cpu_s: float
    io_bytes: int


def launch_engine(cwd: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts the real engine child with its three pipes."""
    pipe = subprocess.PIPE
    return spawn(Role.ENGINE, cwd=cwd, environment=environment, log=pipe, stdin=pipe, stdout=pipe)


class ChildProcess:
    """A running child. `on_frame` is called by its reader thread, `on_exit` by its reaper thread."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        *,
        log_path: Path,
        on_frame: Callable[[ChildProcess, FromChild], None],
        on_exit: Callable[[ChildProcess, ExitFacts], None],
    ) -> None:
        self.pid = process.pid
        self._process = process
        self._on_frame = on_frame
        self._on_exit = on_exit
        self._log_path = log_path
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_reaped = False
        self._wire_error = ""
        self._tail = b""
        loops = {"writer": self._write, "reader": self._read, "stderr": self._drain, "reaper": self._reap}
        self._threads = {
            name: threading.Thread(target=loop, name=f"engine-{name}-{self.pid}", daemon=True)
            for name, loop in loops.items()
        }
        for thread in self._threads.values():
            thread.start()

    def send(self, frame: ToChild) -> None:
        """Queues a frame. Raises `WireError` if it is too big; a child that is gone hears nothing."""
        self._outgoing.put(encode(frame))

    def end(self) -> None:
        """Asks the child to end, and closes its pipe after all that was sent."""
        self.send(Shutdown())
        self._outgoing.put(None)

    def kill(self) -> None:
        """Kills the child's group. Harmless when it is gone; does not wait."""
        with self._lock:
            if not self._is_reaped:  # else the number may belong to someone else by now
                kill_group(self._process)

    def join(self, seconds: float | None = None) -> bool:
        """Waits until the child and its threads are gone; says whether they are."""
        self._threads["reaper"].join(seconds)
        return not self._threads["reaper"].is_alive()

    def life_signs(self) -> LifeSigns | None:
        """Returns what the child has used so far, None if it is gone."""
        try:
            leader = psutil.Process(self.pid)
            signs = [_signs_of(process) for process in (leader, *leader.children(recursive=True))]
        except psutil.Error:
            return None
        return LifeSigns(cpu_s=sum(s.cpu_s for s in signs), io_bytes=sum(s.io_bytes for s in signs))

    # Threads

    def _write(self) -> None:
        stream = _pipe(self._process.stdin)
        try:
            while (data := self._outgoing.get()) is not None:
                stream.write(data)
                stream.flush()
        except OSError:
            log.debug("Engine %d no longer reads", self.pid)
        with suppress(OSError):
            stream.close()

    def _read(self) -> None:
        stream = _pipe(self._process.stdout)
        try:
            while (body := read_frame(stream)) is not None:
                self._on_frame(self, decode_from_child(body))
        except WireError as error:
            self._wire_error = str(error)
            self.kill()

    def _drain(self) -> None:
        stream = _pipe(self._process.stderr)
        logged = 0
        with _open_log(self._log_path) as target:
            while chunk := os.read(stream.fileno(), 65536):
                self._tail = (self._tail + chunk)[-TAIL_BYTES:]
                if logged < LOGGED_BYTES:
                    logged += len(chunk)
                    with suppress(OSError):  # a full disk must not stop the child
                        target.write(chunk)

    def _reap(self) -> None:
        _wait_unreaped(self._process)
        with self._lock:
            kill_group(self._process)  # helpers that outlived it
            self._process.wait()
            self._is_reaped = True
        self._outgoing.put(None)
        for name in ("reader", "stderr", "writer"):
            self._threads[name].join(DRAIN_S)
        for name, stream in (("reader", self._process.stdout), ("stderr", self._process.stderr)):
            if stream is not None and not self._threads[name].is_alive():
                stream.close()
        self._on_exit(self, self._facts(self._process.returncode))

    def _facts(self, code: int) -> ExitFacts:
        return ExitFacts(
            code=code if code >= 0 else None,
            signal=_signal_name(-code) if code < 0 else "",
            stderr_tail=self._tail.decode("utf-8", "replace"),
            wire_error=self._wire_error,
        )


def _signs_of(process: psutil.Process) -> LifeSigns:
    try:
        times = process.cpu_times()
        counters = process.io_counters() if hasattr(process, "io_counters") else None
    except psutil.NoSuchProcess:
        return LifeSigns(cpu_s=0.0, io_bytes=0)
    # What goes into pipes is left out: a thread that only beats is not work.
    read = (
        (getattr(counters, "read_chars", 0) + counters.read_bytes + counters.write_bytes) if counters else 0
    )
    return LifeSigns(cpu_s=times.user + times.system, io_bytes=read)


def _wait_unreaped(process: subprocess.Popen[bytes]) -> None:
    """Waits for the end but leaves the zombie, so that its number still names its group."""
    if hasattr(os, "waitid"):
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()


def _open_log(path: Path) -> IO[bytes]:
    try:
        if path.exists() and path.stat().st_size > LOG_FILE_BYTES:
            path.replace(path.with_suffix(".old.log"))
        return path.open("ab", buffering=0)
    except OSError as error:
        log.info("The engine's log %s cannot be written: %s", path, error)
        return Path(os.devnull).open("ab", buffering=0)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("an engine child needs pipes for stdin, stdout and stderr")
    return stream


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
