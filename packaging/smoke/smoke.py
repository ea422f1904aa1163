"""Tries the packages in dist/ on bare Debians: `python3 packaging/smoke/smoke.py [SUITE ...]`. Needs root.

Everything runs as a normal user without a network, in namespaces of its own that leave nothing behind. Times
and a picture of the window are left in build/smoke.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "packaging"), str(ROOT / "packaging" / "wheel")]

import checks  # noqa: E402
import window  # noqa: E402
from durations import measured  # noqa: E402
from next_version import next_package  # noqa: E402
from package import DIST, app_version  # noqa: E402
from root import CheckError, Root, fresh  # noqa: E402
from sources import configured_mirror  # noqa: E402

SUITES = ("bookworm", "trixie")
BUILD = ROOT / "build"
ROOTS, SMOKE = BUILD / "roots", BUILD / "smoke"
TOOLS = {
    "debootstrap": "debootstrap",
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "zstd": "zstd",
    "unshare": "util-linux",
}
Step = tuple[str, Callable[[], object]]
_INSIDE = "COVE_SMOKE_INSIDE"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", default=SUITES, metavar="SUITE")
    options = parser.parse_args(argv)
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if os.geteuid() != 0 or missing:
        needs = f"install: apt-get install -y {' '.join(missing)}" if missing else "it must be run as root"
        print(f"cove: the smoke test needs a system of its own; {needs}", file=sys.stderr)
        return 1
    if _INSIDE not in os.environ:
        return _enter_namespaces(argv)
    # The first process of a namespace is not ended by a signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        for suite in options.suites:
            with measured(f"make smoke: {suite}"):
                try_suite(suite)
    except (CheckError, OSError) as error:
        print(f"cove: smoke failed: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"cove: failed at: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    return 0


def _enter_namespaces(argv: list[str]) -> int:
    command = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]
    script = [sys.executable, str(Path(__file__).resolve()), *argv]
    SMOKE.mkdir(parents=True, exist_ok=True)
    with (SMOKE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second run would take the roots from under the first
        return subprocess.call([*command, *script], env={**os.environ, _INSIDE: "1"})


def try_suite(suite: str) -> None:
    version = app_version()
    (package,), (archive,) = DIST.glob(f"cove_{version}-*.deb"), DIST.glob(f"cove-{version}-*.tar.zst")
    newer, newer_package = next_package(version, SMOKE / "next")
    root = fresh(suite, ROOTS, configured_mirror(), SMOKE / suite)
    steps = (
        *installed(root, package, version),
        *used(root, archive, SMOKE / f"{suite}.png"),
        ("upgrade with a host running", lambda: checks.upgrades(root, newer_package, newer)),
        *with_vulkan(root),
        ("removal with a host running leaves the data", lambda: checks.leaves_data(root)),
    )
    for name, step in steps:
        step()
        print(f"{suite}: {name}", flush=True)
    (SMOKE / f"{suite}.json").write_text(json.dumps(root.timings, indent=1))


def installed(root: Root, package: Path, version: str) -> tuple[Step, ...]:
    """What is there, on a machine without Vulkan."""
    loader = "libvulkan.so.1"
    no_gpu = {"why_no_gpu": "gpu-library-missing", "because": loader}
    without = frozenset({loader})
    return (
        ("installs with nothing but what it depends on", lambda: checks.install(root, package)),
        ("no Python, compiler or pip", lambda: checks.has_no_tools(root)),
        ("brings nothing of the system", lambda: checks.brings_nothing_of_the_system(root)),
        ("runs on older systems", lambda: checks.runs_on_older_systems(root)),
        ("describes itself to a desktop", lambda: checks.describes_itself(root)),
        ("no Vulkan", lambda: checks.hide_vulkan(root)),
        ("no library is missing but Vulkan's", lambda: checks.libraries_are_there(root, without=without)),
        ("tells its version", lambda: checks.tells_version(root, version)),
        ("doctor is content, says why no GPU", lambda: checks.doctor_is_content(root, **no_gpu)),
    )


def used(root: Root, archive: Path, picture: Path) -> tuple[Step, ...]:
    return (
        ("Paris, without Vulkan", lambda: checks.answers(root, "first answer (starts host, loads model)")),
        ("Paris again", lambda: checks.answers(root, "second answer")),
        ("engine killed and back", lambda: checks.engine_comes_back(root)),
        ("the window answers", lambda: window.answers_in_window(root, picture)),
        ("the archive runs from anywhere, portable", lambda: archive_moves(root, archive)),
    )


def with_vulkan(root: Root) -> tuple[Step, ...]:
    no_gpu = {"why_no_gpu": "gpu-not-found", "because": "driver"}
    return (
        ("Mesa's Vulkan installs", lambda: install_vulkan(root)),
        ("no library is missing", lambda: checks.libraries_are_there(root)),
        ("a software GPU is not chosen", lambda: checks.doctor_is_content(root, **no_gpu)),
        ("Paris, on a GPU", lambda: checks.runs_on_gpu(root)),
    )


def archive_moves(root: Root, archive: Path) -> None:
    window.opens(root, checks.moves(root, archive), "window of the archive")


def install_vulkan(root: Root) -> None:
    checks.show_vulkan(root)
    root.as_root(
        "apt-get", "install", "-y", "-q", "--no-install-recommends", "libvulkan1", "mesa-vulkan-drivers"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
