"""A process that confines itself as an engine child or as its helper does, or not at all, and then tries what
a hostile model would. Prints what came of each attempt: "" when it succeeded, else the error.

`python -m tests.fakes.attempts child|helper|free|contained HOME VICTIM`: a home with files to get at, and the
number of a process to get at. `contained` is a child in a container that lets nobody use Landlock.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from app.domain.engine import Confinement
from app.engine.wire import Hello
from app.engine.worker import seccomp
from app.engine.worker.confinement import confine_child, confine_helper
from app.engine.worker.syscalls import drop_privileges, syscall, this_machine

PTRACE_SEIZE = 0x4206
CLONE_NEWUSER = 0x10000000


def main() -> None:
    mode, home, victim = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    attempts = {**_network(), **_files(home), **_processes(victim)}
    found = confined(mode, home)
    results = {name: _outcome(attempt) for name, attempt in attempts.items()}
    said = {"landlock": found.landlock, "files": found.files, "network": found.network}
    print(json.dumps({**said, "attempts": results}), flush=True)


def confined(mode: str, home: Path) -> Confinement:
    if mode == "helper":
        confine_helper()
    if mode == "contained":
        _forbid_landlock()
    elif mode != "child":
        return Confinement()
    hello = Hello(
        helper_argv=(sys.executable,),
        files=(str(home / "model-00001-of-00002.gguf"),),
        folders=(str(home / "states"),),
        driver_cache=str(home / "drivers"),
        may_network="COVE_TEST_NETWORK" in os.environ,
    )
    return confine_child(hello)


def _forbid_landlock() -> None:
    """As containers do: with a filter of their own."""
    machine = this_machine()
    drop_privileges(machine, syscall)
    calls = "create 444 444  add 445 445  restrict 446 446"
    listed = seccomp._listed(machine, calls, seccomp._FAIL | errno.EPERM, seccomp._ALLOW)
    assert seccomp.install([*seccomp._head(machine), *listed], machine, syscall) == 0


def _network() -> dict[str, Callable[[], object]]:
    kinds = {
        "inet": (socket.AF_INET, socket.SOCK_STREAM),
        "inet6": (socket.AF_INET6, socket.SOCK_DGRAM),
        "unix": (socket.AF_UNIX, socket.SOCK_STREAM),
        "netlink": (socket.AF_NETLINK, socket.SOCK_RAW),
    }
    pair = {"socketpair": lambda: [each.close() for each in socket.socketpair()]}
    return {**{name: lambda kind=kind: socket.socket(*kind).close() for name, kind in kinds.items()}, **pair}


def _files(home: Path) -> dict[str, Callable[[], object]]:
    return {
        "read a chat": lambda: (home / "cove.db").read_bytes(),
        "list the home": lambda: list(home.iterdir()),
        "read a key": lambda: (Path.home() / ".ssh" / "id").read_bytes(),
        "read a device": lambda: Path("/dev/full").open("rb").read(1),
        "write to the home": lambda: (home / "new").write_text("x"),
        "write to the user's files": lambda: (Path.home() / "new").write_text("x"),
        "write to /tmp": lambda: Path(f"/tmp/cove-attempt-{os.getpid()}").write_text("x"),
        "append": lambda: (home / "cove.db").open("ab").close(),
        "truncate": lambda: os.truncate(home / "cove.db", 0),
        "empty the model": lambda: os.close(os.open(home / "model-00001-of-00002.gguf", os.O_TRUNC)),
        "change a mode": lambda: (home / "cove.db").chmod(0o644),
        "rename": lambda: (home / "cove.db").rename(home / "other"),
        "make a folder": lambda: (home / "folder").mkdir(),
        "make a link": lambda: (home / "link").symlink_to("/"),
        "delete": lambda: (home / "victim").unlink(),
        "write to the model": lambda: (home / "model-00001-of-00002.gguf").open("r+b").close(),
        "run a program": lambda: subprocess.run(["/bin/true"], check=True),
        # What it needs.
        "read the model": lambda: (home / "model-00001-of-00002.gguf").read_bytes(),
        "read its next shard": lambda: (home / "model-00002-of-00002.gguf").read_bytes(),
        "read the system": lambda: Path("/etc/passwd").read_bytes(),
        "keep a shader": lambda: _keep(home / "drivers"),
        "keep a state": lambda: _keep(home / "states"),
        "use the null device": lambda: Path("/dev/null").write_text("x"),
        "run Cove": lambda: subprocess.run([sys.executable, "-S", "-c", ""], check=True),
        "map memory": lambda: mmap.mmap(-1, 1 << 20).close(),
        "start a thread": _start_thread,
    }


def _processes(victim: int) -> dict[str, Callable[[], object]]:
    # Loaded while it still can be.
    libc = ctypes.CDLL(None, use_errno=True)
    return {
        "fork": _fork,
        "signal": lambda: os.kill(victim, signal.SIGCONT),
        "read its environment": lambda: Path(f"/proc/{victim}/environ").read_bytes(),
        "read its memory": lambda: Path(f"/proc/{victim}/mem").open("rb").close(),
        "trace": lambda: _checked(libc.ptrace(PTRACE_SEIZE, victim, None, None)),
        "become its own administrator": lambda: _checked(libc.unshare(CLONE_NEWUSER)),
    }


def _keep(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "x").write_text("x")
    (folder / "a" / "x").rename(folder / "y")
    (folder / "y").unlink()


def _start_thread() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def _fork() -> None:
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # what runs at a usual end may need files
