"""How any process of Cove is started: one way, with nothing inherited that was not meant to be.

From source a role is a module run with `-m`; in the frozen app it is the same executable with `--role`.
Every process gets a session of its own (so that its group can be signalled whole), the home as its working
directory, umask 077, and a log file for what native code prints.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import IO


class Role(StrEnum):
    """The processes other than the window and the command line."""

    HOST = "host"
    ENGINE = "engine"
    TEMPLATE = "template"  # renders one model's chat template, killable


_MODULES = {
    Role.HOST: "app.host",
    Role.ENGINE: "app.engine.worker",
    Role.TEMPLATE: "app.engine.worker.template_helper",
}

# What an engine child may see: enough to find drivers and speak the user's language, no secrets, no proxies.
_CHILD_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "COMSPEC"),
        *("XDG_RUNTIME_DIR", "XDG_DATA_DIRS", "XDG_CACHE_HOME"),
        *("CUDA_VISIBLE_DEVICES", "CUDA_CACHE_PATH", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"),
        *("COVE_UNCONFINED", "COVE_ENGINE_WRITABLE"),
        *("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE", "PYTHONFAULTHANDLER"),
    }
)
_CHILD_PREFIXES = ("LC_", "GGML_VK_", "VK_", "MESA_", "LP_", "OMP_", "KMP_")
_NEVER = frozenset({"GGML_BACKEND_PATH", "LLAMA_CPP_LIB_PATH"})  # both would load foreign code


def role_argv(role: Role, *arguments: str) -> list[str]:
    """Returns the command line that starts a role."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--role", role.value, *arguments]
    return [sys.executable, "-m", _MODULES[role], *arguments]


def engine_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment of an engine child: the allow-list, then `extra`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if (name in _CHILD_NAMES or name.startswith(_CHILD_PREFIXES)) and name not in _NEVER
    }
    # An abort in native code would otherwise start a debugger to print a backtrace.
    return {**kept, "GGML_NO_BACKTRACE": "1", **_source_path(), **(extra or {})}


def host_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment of a host: the user's own, with a frozen loader's changes undone."""
    environment = dict(os.environ)
    if getattr(sys, "frozen", False):
        for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
            original = environment.pop(f"{name}_ORIG", None)
            environment.pop(name, None)
            if original is not None:
                environment[name] = original
    return {**environment, **_source_path(), **(extra or {})}


def spawn(
    role: Role,
    *arguments: str,
    cwd: Path,
    environment: Mapping[str, str],
    log: IO[bytes] | int | None = None,
    stdin: IO[bytes] | int | None = subprocess.DEVNULL,
    stdout: IO[bytes] | int | None = None,
    pass_fds: Iterable[int] = (),
) -> subprocess.Popen[bytes]:
    """Starts a role. `log` takes stderr (and stdout unless given); None discards them. Raises `OSError`."""
    errors = subprocess.DEVNULL if log is None else log
    return subprocess.Popen(
        role_argv(role, *arguments),
        cwd=cwd,
        env=dict(environment),
        stdin=stdin,
        stdout=errors if stdout is None else stdout,
        stderr=errors,
        pass_fds=tuple(pass_fds),
        start_new_session=True,
        umask=0o077,
    )


def detach() -> None:
    """Goes on in a fork and ends the process that was started: its starter may wait for it, and what goes on
    is nobody's child. Early, before there are threads; nothing where there is no fork (and no zombies)."""
    if hasattr(os, "fork") and os.fork() != 0:
        os._exit(0)


def become(role: Role, *arguments: str, environment: Mapping[str, str]) -> int:
    """Turns this process into a role, in the foreground; where that cannot be done, waits for its end."""
    argv = role_argv(role, *arguments)
    if sys.platform == "win32":
        return subprocess.call(argv, env=dict(environment))
    return os.execve(argv[0], argv, dict(environment))


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills a spawned process and everything it started. Harmless when it is gone; does not wait."""
    if process.poll() is not None and not hasattr(os, "killpg"):
        return
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
    else:
        process.kill()


def _source_path() -> dict[str, str]:
    """Lets `-m app...` be found when the working directory is the home and Cove runs from a source tree."""
    if getattr(sys, "frozen", False):
        return {}
    return {"PYTHONPATH": str(Path(__file__).resolve().parent.parent), "PYTHONSAFEPATH": "1"}
