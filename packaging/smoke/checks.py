"""What an installed Cove must do, each as a function of the root it is installed in. Raise `CheckError`.

Only what a user could do: programs and files, no look into the source.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import elf
from root import USER, CheckError, Root

QUESTION = "What is the capital of France?"
MODEL = "smollm2"
APP = "/usr/lib/cove"
DATA = f"home/{USER}/.local/share/cove"
# The system's own, always: drivers that it loads into our processes are made for them.
_NOT_OURS = ("libvulkan.so", "libstdc++.so", "libgcc_s.so", "libGL.so", "libEGL.so", "libc.so")
_OLDEST_GLIBC = (2, 35)  # Ubuntu 22.04's


def expect(fact: object, what: str) -> None:
    if not fact:
        raise CheckError(what)


def wait_for(found: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.02)
    raise CheckError(f"waited {seconds:.0f} s in vain: {what}")


def install(root: Root, package: Path) -> None:
    """Nothing but what the package itself requires, as its name for dependencies must be right."""
    place = root.folder / "root" / package.name
    shutil.copyfile(package, place)
    root.as_root("apt-get", "install", "-y", "-q", "--no-install-recommends", f"/root/{package.name}")


def has_no_tools(root: Root) -> None:
    found = [name for name in ("python3", "gcc", "cc", "pip", "pip3", "cmake") if root.has_program(name)]
    expect(not found, f"the root is not bare: {found}")


def hide_vulkan(root: Root) -> None:
    """Takes the loader away where OpenGL's own packages bring it."""
    aside = root.folder / "root" / "vulkan"
    aside.mkdir()
    for path in root.folder.glob("usr/lib/*/libvulkan.so*"):
        path.rename(aside / path.name)


def show_vulkan(root: Root) -> None:
    (place,) = root.folder.glob("usr/lib/*-linux-gnu")
    for path in (root.folder / "root" / "vulkan").iterdir():
        path.rename(place / path.name)


def tells_version(root: Root, version: str) -> None:
    with root.timed("cove --version"):
        said = root.as_user("cove", "--version").strip()
    expect(said == f"cove {version}", f"--version says {said}")


def doctor_is_content(root: Root, *, why_no_gpu: str, because: str) -> None:
    """Nothing is wrong; but it says why no GPU is used."""
    with root.timed("cove doctor"):
        report = json.loads(root.as_user("cove", "doctor", "--json"))
    expect(report["problems"] == [], f"doctor: {report['problems']}")
    kinds = [device["kind"] for device in report["devices"]]
    expect(kinds == ["cpu"], f"devices: {report['devices']}")
    reason = report["no_gpu"]
    expect(reason["code"] == why_no_gpu and because in reason["text"], f"doctor on the GPU: {reason}")


def brings_nothing_of_the_system(root: Root) -> None:
    names = {path.name for path in (root.folder / APP.lstrip("/")).rglob("*.so*")}
    foreign = sorted(name for name in names if name.startswith(_NOT_OURS))
    expect(not foreign, f"the system's own libraries are bundled: {foreign}")


def runs_on_older_systems(root: Root) -> None:
    """As far back as promised; what the build machine's own libraries ask beyond that is in SIZE.md."""
    newest = {path: elf.newest_symbols(path) for path in elf.native_files(root.folder / APP.lstrip("/"))}
    late = sorted(path.name for path, found in newest.items() if found.get("GLIBC", ()) > _OLDEST_GLIBC)
    expect(not late, f"these ask for a C library newer than {_OLDEST_GLIBC}: {late}")


def libraries_are_there(root: Root, *, without: frozenset[str] = frozenset()) -> None:
    """`ldd` finds every library of every file, as the program's loader would (but for `without`)."""
    script = f"find {APP} -type f \\( -name '*.so*' -o -name cove \\) -print -exec ldd {{}} \\; 2>&1 || true"
    output = root.as_user("sh", "-c", script, LD_LIBRARY_PATH=f"{APP}/_internal")
    missing = set(re.findall(r"(\S+) => not found", output)) | set(
        re.findall(r"version `(\S+)' not found", output)
    )
    expect(missing == set(without), f"ldd misses {sorted(missing)}, expected {sorted(without)}")


def describes_itself(root: Root) -> None:
    """What a desktop reads is where it looks for it."""
    for place in (
        "applications/cove.desktop",
        "metainfo/chat.cove.Cove.metainfo.xml",
        "mime/packages/cove.xml",
        "man/man1/cove.1.gz",
        "icons/hicolor/48x48/apps/cove.png",
        "icons/hicolor/scalable/apps/cove.svg",
        "icons/hicolor/scalable/mimetypes/application-x-gguf.svg",
        "doc/cove/copyright",
    ):
        expect((root.folder / "usr" / "share" / place).is_file(), f"/usr/share/{place} is missing")
    licences = list((root.folder / APP.lstrip("/") / "licences").glob("*.txt"))
    expect(any(path.stem == "jinja2" for path in licences), "the licences are missing")


def answers(root: Root, name: str, *options: str, program: str = "cove", **environment: str) -> None:
    with root.timed(name):
        said = root.as_user(program, "run", MODEL, QUESTION, "--temperature", "0", *options, **environment)
    expect("Paris" in said, f"the model said {said!r}")


def processes(root: Root, **environment: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(root.as_user("cove", "ps", "--json", **environment))
    return found


def engine_comes_back(root: Root) -> None:
    (before,) = processes(root)["engines"]
    os.kill(before["pid"], signal.SIGKILL)  # the root shares this program's namespace of processes
    answers(root, "answer after kill -9 of the engine")
    (after,) = processes(root)["engines"]
    expect(before["pid"] != after["pid"], "the engine that was killed is still there")


def runs_on_gpu(root: Root) -> None:
    """On Mesa's software driver, which is slow: one step takes seconds."""
    root.as_user("cove", "quit")
    choice = {"GGML_VK_VISIBLE_DEVICES": "0"}
    answers(root, "answer on a software GPU", "--gpu-layers", "99", "--max-tokens", "12", **choice)
    (engine,) = processes(root)["engines"]
    expect(engine["loaded"]["gpu_layers"] > 0, f"no layer is on the GPU: {engine['loaded']}")
    root.as_user("cove", "quit")


def upgrades(root: Root, package: Path, version: str) -> None:
    """Over data of the older version, whose host is running and holds a model."""
    answers(root, "answer before the upgrade")
    before = processes(root)["host"]["pid"]
    chats = _chats(root)
    install(root, package)
    tells_version(root, version)
    answers(root, "first answer after the upgrade")
    host = processes(root)["host"]
    expect(
        host["version"] == version, f"the host is still {host['version']} (pid {before}, now {host['pid']})"
    )
    expect(_chats(root) == chats + 1, f"{chats} chats before, {_chats(root)} after one more")


def moves(root: Root, archive: Path) -> str:
    """The archive runs from anywhere, from hard names too; `portable` keeps its data beside it, wherever it
    is moved. Returns the program."""
    place = root.folder / "home" / USER / "Đường dẫn 空 x"
    place.mkdir()
    subprocess.run(["tar", "-C", place, "-Izstd", "-xf", archive], check=True)
    (unpacked,) = place.iterdir()
    (unpacked / "portable").touch()
    owner = (root.folder / "home" / USER).stat()
    for path in [place, *place.rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    for name, times in ((unpacked.name, "first"), ("moved ‘elsewhere’", "after it was moved")):
        unpacked = unpacked.rename(place / name)
        program = f"/{(unpacked / 'cove').relative_to(root.folder)}"
        answers(root, f"answer of the archive, {times}", program=program)
        root.as_user(program, "quit")
    expect((unpacked / "data" / "cove.db").exists(), "a portable app keeps its data elsewhere")
    expect(_chats(root, program) == 2, "what was there before the move is gone")
    root.as_user(program, "quit")
    return program


def leaves_data(root: Root) -> None:
    answers(root, "answer before the removal")  # its host still runs
    root.as_root("apt-get", "purge", "-y", "-q", "cove")
    expect(not (root.folder / APP.lstrip("/")).exists(), f"{APP} is still there")
    expect((root.folder / DATA / "cove.db").exists(), "the user's data is gone")


def _chats(root: Root, program: str = "cove") -> int:
    exported = root.as_user(program, "export", "--all", "--json")
    return len(json.loads(exported))
