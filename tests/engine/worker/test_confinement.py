"""What a hostile model could try, tried by real processes; and kernels that cannot deny it."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.domain.engine import Confinement, Guard
from app.domain.generation import Sampling
from app.engine.wire import Hello
from app.engine.worker import confinement, landlock
from app.engine.worker.confinement import confine_child, make_device_nodes
from app.engine.worker.syscalls import syscall
from app.spawn import engine_environment
from tests.engine.worker.childclient import ChildClient
from tests.realmodels import smollm2

SOCKETS = {"inet", "inet6", "unix", "netlink", "socketpair"}
NEEDED = {
    *("read the model", "read its next shard", "read the system", "keep a shader", "keep a state"),
    *("use the null device", "run Cove", "map memory", "start a thread", "fork"),
}
OF_FILES = {
    *("read a chat", "list the home", "read a key", "read a device", "write to the home", "delete"),
    *("write to the user's files", "write to /tmp", "append", "rename", "make a folder", "make a link"),
    *("write to the model", "run a program"),
}
SINCE = {"signal": 6}  # versions of Landlock
OF_CALLS = {"trace", "become its own administrator", "truncate", "empty the model", "change a mode"}
OF_BOTH = {"read its environment", "read its memory"}  # tracing in other words
# Other reasons may forbid these to a process that is free: Yama, a container, no IPv6.
UNSURE = {"trace", "become its own administrator", "read its memory", "inet6"}


@pytest.fixture
def hoard(home: Path) -> Path:
    """A home with something to get at, and a user's own files beside it."""
    for folder in (home / "drivers", home / "states", Path.home() / ".ssh"):
        folder.mkdir(parents=True)
    files = ("cove.db", "victim", "model-00001-of-00002.gguf", "model-00002-of-00002.gguf")
    for file in (*(home / name for name in files), Path.home() / ".ssh" / "id"):
        file.write_text("x")
    return home


def attempts(mode: str, hoard: Path, **environment: str) -> tuple[dict[str, str], int]:
    """Returns what came of each attempt, and the version of Landlock in force."""
    said = everything_said(mode, hoard, **environment)
    return said["attempts"], said["landlock"]


def everything_said(mode: str, hoard: Path, **environment: str) -> dict[str, Any]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fakes.attempts", mode, str(hoard), str(victim.pid)],
            env=engine_environment(environment),
            cwd=hoard,
            capture_output=True,
            timeout=60,
            check=False,
        )
        victim.communicate(b"\n")
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def succeeded(results: dict[str, str]) -> set[str]:
    return {name for name, error in results.items() if not error}


def test_all_of_it_succeeds_in_a_process_that_is_free(hoard):
    results, _ = attempts("free", hoard)
    assert results.keys() == SOCKETS | NEEDED | OF_FILES | SINCE.keys() | OF_CALLS | OF_BOTH
    assert succeeded(results) | UNSURE == results.keys()


def test_a_child_can_do_what_it_needs_and_nothing_else(hoard):
    results, version = attempts("child", hoard)
    assert version == max(landlock.version(syscall), 0)
    denied = SOCKETS | OF_CALLS | (OF_FILES | OF_BOTH if version else set())
    denied |= {name for name, since in SINCE.items() if version >= since}
    assert succeeded(results) & (denied | NEEDED) == NEEDED
    assert {results[name] for name in SOCKETS} == {"[Errno 1] Operation not permitted"}


def test_a_child_whose_layers_are_elsewhere_has_the_network_and_no_more(hoard):
    results, version = attempts("child", hoard, COVE_TEST_NETWORK="1")
    assert succeeded(results) >= SOCKETS - UNSURE
    if version:
        assert not succeeded(results) & OF_FILES


def test_in_a_container_without_landlock_the_rest_holds_and_that_is_said(hoard):
    said = everything_said("contained", hoard)
    assert (said["files"], said["network"], said["landlock"]) == ("refused", "on", 0)
    found = succeeded(said["attempts"])
    assert not found & (SOCKETS | OF_CALLS)
    assert found >= NEEDED | OF_FILES


def test_the_template_helper_can_only_compute(hoard):
    results, _ = attempts("helper", hoard)
    assert succeeded(results) <= {"map memory", "signal"}
    assert "map memory" in succeeded(results)


def test_a_child_that_is_told_to_be_free_is_free(hoard):
    results, version = attempts("child", hoard, COVE_UNCONFINED="1")
    assert version == 0
    assert succeeded(results) | UNSURE == results.keys()


@pytest.mark.llama
def test_a_real_child_answers_confined_and_opens_no_other_model(hoard):
    client = ChildClient(hoard / "engine.log")
    elsewhere = hoard / "elsewhere.gguf"
    elsewhere.write_bytes(smollm2().read_bytes())
    try:
        said = client.hello(files=(str(smollm2()),), driver_cache=str(hoard / "drivers")).confinement
        assert said.landlock == max(landlock.version(syscall), 0)
        assert (said.network, said.calls, said.limits) == (Guard.ON, Guard.ON, Guard.ON)
        if said.files is Guard.ON:
            assert client.load(elsewhere).notice.facts["detail"] == "Permission denied"
        client.loaded(smollm2(), threads=1)
        assert client.ask("Say yes.", sampling=Sampling(temperature=0, max_tokens=1)).content
        threads = list(Path(f"/proc/{client.process.pid}/task").iterdir())
        assert len(threads) > 3
        for thread in threads:
            status = (thread / "status").read_text()
            assert "NoNewPrivs:\t1" in status
            assert "Seccomp:\t2" in status
    finally:
        assert client.close() == 0


@pytest.fixture
def unchanged(monkeypatch):
    """This process plays a child and must stay as free as it is."""
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(confinement, "make_device_nodes", lambda: None)
    monkeypatch.delenv("COVE_UNCONFINED", raising=False)
    monkeypatch.delenv("COVE_ENGINE_WRITABLE", raising=False)


def kernel(landlock_version: int, seccomp: int = 0):
    """A kernel that knows so much: a version of Landlock or an error, and what it says to filters."""

    def call(number: int, *arguments: object) -> int:
        if number == landlock.CREATE_RULESET:
            is_question = arguments[0] is None
            return landlock_version if is_question else os.open(os.devnull, os.O_RDONLY)
        return seccomp if number in (317, 277) else 0

    return call


def states(said: Confinement) -> tuple[Guard, ...]:
    return said.network, said.files, said.signals, said.calls


NO, REFUSED = Guard.NOT_SUPPORTED, Guard.REFUSED


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (kernel(7), (Guard.ON, Guard.ON, Guard.ON, Guard.ON)),
        (kernel(2), (Guard.ON, Guard.ON, NO, Guard.ON)),  # Debian 12
        (kernel(-errno.ENOSYS), (Guard.ON, NO, NO, Guard.ON)),  # before 5.13, gVisor
        (kernel(-errno.EOPNOTSUPP), (Guard.ON, NO, NO, Guard.ON)),  # switched off at boot
        (kernel(-errno.EPERM), (Guard.ON, REFUSED, REFUSED, Guard.ON)),  # an old container
        (kernel(7, -errno.EINVAL), (NO, Guard.ON, Guard.ON, NO)),
        (kernel(7, 4242), (REFUSED, Guard.ON, Guard.ON, REFUSED)),  # a thread that could not be confined
        (kernel(-errno.ENOSYS, -errno.ENOSYS), (NO, NO, NO, NO)),
    ],
)
def test_what_a_kernel_cannot_deny_is_said_and_the_rest_holds(call, expected):
    said = confine_child(Hello(), call)
    assert states(said) == expected
    assert said.limits is Guard.ON


@pytest.mark.usefixtures("unchanged")
def test_a_processor_whose_numbers_are_unknown_is_left_alone(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert states(confine_child(Hello(), kernel(7))) == (NO, NO, NO, NO)
    confinement.confine_helper(kernel(7))


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_claim_nothing(monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)
    said = confine_child(Hello(), kernel(7))
    assert states(said) == (Guard.OTHER_SYSTEM,) * 4
    assert said.limits is (Guard.OTHER_SYSTEM if system == "win32" else Guard.ON)


@pytest.mark.usefixtures("unchanged")
def test_drivers_keep_their_shaders_in_our_folder(monkeypatch):
    for name in confinement._CACHES:
        monkeypatch.setenv(name, "elsewhere")
    confine_child(Hello(driver_cache="/ours"), kernel(7))
    assert {os.environ[name] for name in confinement._CACHES} == {"/ours"}


def test_the_limits(monkeypatch):
    asked = {}
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: asked.__setitem__(which, limits))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1_000_000))
    assert confinement._limit() is Guard.ON
    assert asked == {resource.RLIMIT_CORE: (0, 0), resource.RLIMIT_NOFILE: (1024, confinement.OPEN_FILES)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: (512, 512))
    confinement._limit()
    assert asked[resource.RLIMIT_NOFILE] == (512, 512)


def test_missing_device_nodes_are_made_before_that_is_impossible(tmp_path):
    node, tool = tmp_path / "nvidia-uvm", tmp_path / "tool"
    tool.write_text(f'#!/bin/sh\necho "$@" > "{node}"\n')
    tool.chmod(0o755)
    make_device_nodes(str(tool), node)
    assert node.read_text() == "-c 0 -u\n"
    node.write_text("there already")
    make_device_nodes(str(tool), node)
    assert node.read_text() == "there already"
    make_device_nodes(str(tmp_path / "no tool"), tmp_path / "no node")
    tool.write_text("no program")
    make_device_nodes(str(tool), tmp_path / "no node")
    assert not (tmp_path / "no node").exists()
