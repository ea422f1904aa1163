"""The rules that hold for every test.

A test fails when it logs a WARNING or worse that it did not declare (`expect_log`), when it leaves a thread,
a process, a Qt timer or a window behind, or when it tries to leave this machine. Each has a home of its own.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.guards import network
from tests.guards.leftovers import LeftoverGuard
from tests.guards.logs import LogGuard, Recorder

# Before anything of ours or Qt's is imported: both read the environment then.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Short, because a socket's path may not be longer than 107 bytes.
_ROOT = Path(tempfile.mkdtemp(prefix="cove-")).resolve()
_STRANGERS = ("COVE_", "HF_", "HUGGING_FACE_", "XDG_", "GGML_", "LLAMA_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
for _name in list(os.environ):
    if _name.startswith(_STRANGERS) or _name.lower() in _PROXIES:
        del os.environ[_name]
os.environ["HOME"] = str(_ROOT / "user")
# Threads of llama.cpp wait for each other at every step. Several tests at once have fewer cores than threads:
# spinning, they took three times the processor time; asleep, they leave it to those they wait for.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
# Hundreds of processes are started; each would compile everything it imports anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A spawned process is not under the guard on sockets: let it find nothing there instead of the real Hub.
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
if "COVERAGE_PROCESS_CONFIG" in os.environ:  # engine children are measured too, and may write nowhere else
    os.environ["COVE_ENGINE_WRITABLE"] = str(Path.cwd())
network.install()

_numbers = count(1)
_recorder = Recorder()
logging.getLogger().addHandler(_recorder)


def pytest_collection_finish() -> None:
    """Sets aside all that was imported by now: the guard on Qt's timers looks through what tests made."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    shutil.rmtree(_ROOT, ignore_errors=True)


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Gives the test a user folder and a Cove home of its own; the home is not made yet."""
    user = _ROOT / f"{next(_numbers)}"
    for name, value in _folders(user).items():
        monkeypatch.setenv(name, str(value))
    (user / "run").mkdir(mode=0o700, parents=True)
    yield user / "cove"
    shutil.rmtree(user, ignore_errors=True)


@pytest.fixture
def home(_home: Path) -> Path:
    """The test's COVE_HOME."""
    return _home


@pytest.fixture
def expect_log(_log_guard: LogGuard) -> Callable[..., None]:
    """Declares a part of a log message that will come; with `maybe=True` one that may come."""
    return _log_guard.expect


@pytest.fixture(autouse=True)
def _log_guard(request: pytest.FixtureRequest) -> Iterator[LogGuard]:
    _recorder.take()
    guard = LogGuard()
    yield guard
    _fail_on(guard.complaints(_recorder.take()))


@pytest.fixture(autouse=True)
def _network_guard() -> Iterator[None]:
    network.take_attempts()
    yield
    _fail_on(network.take_attempts())


@pytest.fixture(autouse=True)
def _leftover_guard(
    request: pytest.FixtureRequest, _home: Path, _log_guard: LogGuard, _network_guard: None
) -> Iterator[None]:
    """Set up last of the four and so checked first: what is ending may still log."""
    guard = LeftoverGuard(_ROOT, with_qt="qapp" in request.fixturenames)
    yield
    _fail_on(guard.complaints())


def _folders(user: Path) -> dict[str, Path]:
    return {
        "HOME": user,
        "COVE_HOME": user / "cove",
        "XDG_RUNTIME_DIR": user / "run",
        "XDG_DATA_HOME": user / "data",
        "XDG_CONFIG_HOME": user / "config",
        "XDG_CACHE_HOME": user / "cache",
        "XDG_STATE_HOME": user / "state",
    }


def _fail_on(complaints: list[str]) -> None:
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)
