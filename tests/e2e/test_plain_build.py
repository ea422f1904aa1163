"""The other kind of build: llama-cpp-python compiled from its source, for this CPU, without plug-ins.

`make test` runs on whatever build is installed, which may be a wheel with plug-ins. Here the plain one is
built into an environment of its own, once, and the tests of the engine child run on it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

FOLDER = ROOT / "build" / "plain"
PYTHON = FOLDER / "bin" / "python"
ENGINE_TESTS = ("tests/engine/worker", "tests/engine/test_probe.py", "tests/contract/test_engine.py")


def requirement() -> str:
    """The pin of pyproject.toml."""
    found = re.search(r'"(llama-cpp-python==[^"]+)"', (ROOT / "pyproject.toml").read_text())
    assert found is not None
    return found.group(1)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"}
    environment["CMAKE_BUILD_PARALLEL_LEVEL"] = str(os.cpu_count() or 1)
    environment["PIP_CACHE_DIR"] = str(ROOT / "build" / "pip-cache")
    # Five minutes of compiling should not make the machine unusable.
    return subprocess.run(
        ["nice", *map(str, command)], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def run_tests(python: Path, *which: str) -> subprocess.CompletedProcess[str]:
    # The software GPU's tests need a build with Vulkan.
    return run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not gpu", *which)


@pytest.fixture(scope="module")
def plain_python() -> Path:
    """The Python of an environment with the plain build; everything else is borrowed from ours."""
    stamp = FOLDER / "built"
    if not (stamp.exists() and stamp.read_text() == requirement()):
        venv.create(FOLDER, clear=True, with_pip=True)
        wanted = ("install", "--no-deps", "--no-binary", "llama-cpp-python", requirement())
        built = run(PYTHON, "-m", "pip", *wanted)
        assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]
        packages = (
            FOLDER / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        )
        # Found after its own packages, so that its llama_cpp is the one that counts.
        (packages / "borrowed.pth").write_text(
            f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
        )
        stamp.write_text(requirement())
    return PYTHON


def test_it_is_the_plain_one(plain_python):
    code = "import llama_cpp, pathlib; print(*pathlib.Path(llama_cpp.__file__).parent.rglob('*ggml*'))"
    files = run(plain_python, "-c", code).stdout
    assert str(FOLDER) in files
    assert "libggml-cpu" in files
    assert "libggml-cpu-haswell" not in files
    assert "vulkan" not in files


def test_the_engine_child_runs_on_it(plain_python):
    result = run_tests(plain_python, *ENGINE_TESTS)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]


def test_a_real_answer_comes_from_it(plain_python):
    result = run_tests(plain_python, "tests/e2e/test_real_model.py")
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
