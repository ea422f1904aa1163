from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from app import spawn
from app.spawn import Role, become, engine_environment, host_environment, kill_group, role_argv
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _fake_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(spawn._MODULES, Role.ENGINE, "tests.fakes.spawned")


@pytest.fixture
def folder(home: Path) -> Path:
    home.mkdir()
    return home


class Started:
    """A spawned role and what it said of itself."""

    def __init__(self, folder: Path, *arguments: str, **options: Any) -> None:
        options = {"environment": engine_environment(), **options}
        self.process = spawn.spawn(
            Role.ENGINE,
            *arguments,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **options,
        )
        assert self.process.stdout is not None
        self.said = json.loads(self.process.stdout.readline())

    def close(self) -> None:
        kill_group(self.process)
        self.process.communicate()


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_role_is_a_module_or_the_frozen_app_itself(monkeypatch: pytest.MonkeyPatch):
    assert role_argv(Role.HOST, "--home", "x") == [sys.executable, "-m", "app.host", "--home", "x"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert role_argv(Role.HOST, "--home", "x") == [sys.executable, "--role", "host", "--home", "x"]


def test_a_process_gets_its_own_session_folder_and_umask(folder: Path):
    with closing(Started(folder, "one", "two words")) as started:
        said = started.said
        assert said["session"] == said["pid"] == started.process.pid
        assert said["cwd"] == str(folder)
        assert said["umask"] == 0o077
        assert said["arguments"] == ["one", "two words"]


def test_only_the_descriptors_meant_for_it_are_inherited(folder: Path, pipe: tuple[int, int]):
    meant, other = pipe
    os.set_inheritable(other, True)
    with closing(Started(folder, pass_fds=[meant])) as started:
        assert {0, 1, 2, meant} <= set(started.said["descriptors"])
        assert other not in started.said["descriptors"]
        assert len(started.said["descriptors"]) <= 5  # one more is the folder that was listed


def test_what_it_prints_goes_to_the_log(folder: Path):
    with (folder / "role.log").open("wb") as log, closing(Started(folder, log=log)):
        wait_until(lambda: (folder / "role.log").read_text() == "to stderr\n")
    process = spawn.spawn(Role.ENGINE, cwd=folder, environment=engine_environment())
    assert process.wait() == 0


def test_a_program_that_is_not_there_is_an_os_error(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", str(folder / "nothing"))
    with pytest.raises(OSError):
        spawn.spawn(Role.ENGINE, cwd=folder, environment={})


def test_a_child_of_the_engine_sees_only_what_is_on_the_list(folder: Path, monkeypatch: pytest.MonkeyPatch):
    shown = {
        "LC_ALL": "C.UTF-8",
        "CUDA_VISIBLE_DEVICES": "1",
        "GGML_VK_VISIBLE_DEVICES": "0",
    }
    hidden = {
        "HF_TOKEN": "secret",
        "HTTPS_PROXY": "http://proxy",
        "LD_PRELOAD": "",
        "GGML_BACKEND_PATH": "/tmp",
        "LLAMA_CPP_LIB_PATH": "/tmp",
        "SSH_AUTH_SOCK": "x",
    }
    for name, value in {**shown, **hidden}.items():
        monkeypatch.setenv(name, value)
    with closing(Started(folder, environment=engine_environment({"EXTRA": "given"}))) as started:
        environment = started.said["environment"]
    assert not hidden.keys() & environment.keys()
    assert environment.items() >= {**shown, "EXTRA": "given", "GGML_NO_BACKTRACE": "1"}.items()


def test_a_host_has_the_users_own_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    environment = host_environment({"EXTRA": "given"})
    assert environment.items() >= {"HTTPS_PROXY": "http://proxy", "EXTRA": "given"}.items()
    assert (Path(environment["PYTHONPATH"]) / "app").is_dir()


@pytest.mark.usefixtures("frozen")
def test_what_a_frozen_loader_changed_is_undone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/frozen")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/users")
    monkeypatch.setenv("DYLD_LIBRARY_PATH", "/frozen")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    environment = host_environment()
    assert environment["LD_LIBRARY_PATH"] == "/users"
    assert not {"LD_LIBRARY_PATH_ORIG", "DYLD_LIBRARY_PATH", "PYTHONPATH"} & environment.keys()


def test_killing_takes_what_it_started_along(folder: Path):
    started = Started(folder, "with-child")
    grandchild = psutil.Process(started.said["child"])
    kill_group(started.process)
    started.process.communicate()
    # Whoever inherits the orphan may take its time to reap it.
    wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_killing_what_is_gone_is_harmless(folder: Path):
    started = Started(folder)
    started.process.communicate()
    kill_group(started.process)
    assert started.process.returncode == 0


def test_a_system_without_groups_kills_the_process(folder: Path, monkeypatch: pytest.MonkeyPatch):
    started = Started(folder)
    monkeypatch.delattr(os, "killpg")
    kill_group(started.process)
    started.process.communicate()
    assert started.process.returncode == -9
    kill_group(started.process)


@pytest.mark.parametrize("arguments", [["detached"], ["become"]])
def test_detached_it_is_nobodys_child(folder: Path, arguments: list[str]):
    started = Started(folder, *arguments)
    # The one that was started ends at once and well; the one that speaks is another, in the same session.
    assert started.process.wait(timeout=20) == 0
    assert started.said["pid"] != started.process.pid
    assert started.said["session"] == started.process.pid
    assert started.said["environment"].get("BECAME") == ("yes" if arguments == ["become"] else None)
    detached = psutil.Process(started.said["pid"])
    assert started.process.stdin is not None
    started.process.stdin.close()
    assert started.process.stdout is not None
    assert started.process.stdout.read() == b""
    started.process.stdout.close()
    wait_until(lambda: not detached.is_running() or detached.status() == psutil.STATUS_ZOMBIE)


def test_where_a_process_cannot_become_another_it_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert become(Role.ENGINE, "fail", environment=engine_environment()) == 3


def test_where_there_is_no_fork_nothing_is_detached(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(os, "fork")
    spawn.detach()
