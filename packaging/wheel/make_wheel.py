"""Builds the engine's wheel that ships: llama.cpp for every processor, Vulkan and RPC as plug-ins.

`python3 packaging/wheel/make_wheel.py` leaves it in build/wheels and prints its path; nothing is built twice.
About fifteen minutes on two cores. `PIP_FIND_LINKS=build/wheels make run` then uses it from source too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "packaging"))

from durations import measured  # noqa: E402
from flags import cmake_arguments  # noqa: E402
from prune import prune_wheel  # noqa: E402
from vulkan_tools import ToolsError, vulkan_tools  # noqa: E402

BUILD = ROOT / "build"
WHEELS = BUILD / "wheels"


def main() -> int:
    try:
        print(built_wheel())
    except (ToolsError, OSError) as error:
        print(f"cove: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"cove: failed at: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    return 0


def built_wheel() -> Path:
    """Returns the wheel, building it when there is none of the pinned version."""
    found = sorted(WHEELS.glob(f"llama_cpp_python-{pinned_version()}-*.whl"))
    if found:
        return found[0]
    with measured("the engine's wheel (once)"):
        return _build()


def pinned_version() -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'"llama-cpp-python==([^"]+)"', text)
    if found is None:
        raise OSError("pyproject.toml does not pin llama-cpp-python")
    return found[1]


def _build() -> Path:
    vulkan = vulkan_tools(BUILD / "vulkan")
    raw = BUILD / "raw-wheel"
    environment = {**os.environ, "CMAKE_ARGS": cmake_arguments(vulkan)}
    environment.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
    if vulkan:
        # CMake then takes the folder for one of the compiler's own, and writes no path into the binary.
        environment["LIBRARY_PATH"] = str(Path(vulkan["Vulkan_LIBRARY"]).parent)
    name = "llama-cpp-python"
    command = [_pip_python(), "-m", "pip", "wheel", "--no-deps", "--no-cache-dir", "--no-binary", name]
    subprocess.run([*command, "-w", raw, f"{name}=={pinned_version()}"], check=True, env=environment)
    (wheel,) = raw.glob("*.whl")
    WHEELS.mkdir(parents=True, exist_ok=True)
    prune_wheel(wheel, WHEELS / wheel.name)
    return WHEELS / wheel.name


def _pip_python() -> Path:
    """A Python of our own with pip: the system's may refuse to, or lack it."""
    folder = BUILD / "wheel-venv"
    if not (folder / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin" / "python"


if __name__ == "__main__":
    sys.exit(main())
