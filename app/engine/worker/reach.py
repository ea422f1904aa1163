"""Which files an engine child may reach: the system's and Cove's own, the GPU, its model, its folders.

What people keep lies in a few places (their home, removable drives, temporary folders): those are closed,
but for what is named. The rest of the system stays readable, because nobody can list what GPU drivers read.
Sizes and names of files can be seen everywhere; Landlock does not hide them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from app.engine.wire import Hello
from app.engine.worker.landlock import DEVICE, READ, WRITE, Access, Rule

_PRIVATE = (
    *("/home", "/root", "/tmp", "/var/tmp", "/media", "/mnt", "/run/media", "/run/user", "/sysroot"),
    "/dev",  # cameras and microphones are there
)
_DRIVER_SETTINGS = (".drirc", ".config/vulkan", ".local/share/vulkan")
_DEVICES = ("/dev/dri", "/dev/kfd", "/dev/dxg", *("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"))
_SHARD = re.compile(r"(.+-)\d{5}(-of-\d{5}\.gguf)")
_LOADER = re.compile(r"/\S*/ld[-.][^/\s]*$", re.MULTILINE)


def rules(hello: Hello) -> list[Rule]:
    """Returns what to allow. Nothing in it depends on what a model says."""
    programs = _programs(hello)
    return [
        *(Rule(path=path, access=READ if programs else READ | Access.EXECUTE) for path in _readable()),
        *(Rule(path=path, access=READ | Access.EXECUTE) for path in programs),
        *(Rule(path=path, access=READ) for file in hello.files for path in shards(Path(file))),
        *(Rule(path=Path(folder), access=WRITE) for folder in (*hello.folders, hello.driver_cache) if folder),
        *(Rule(path=path, access=DEVICE) for path in devices()),
    ]


def shards(file: Path) -> list[Path]:
    """Returns the file, or all files of a model that came in several."""
    found = _SHARD.fullmatch(file.name)
    if found is None:
        return [file]
    pattern = re.compile(rf"{re.escape(found[1])}\d{{5}}{re.escape(found[2])}")
    return [path for path in _listed(file.parent) if pattern.fullmatch(path.name)]


def beside(private: set[Path], folder: Path = Path("/")) -> Iterator[Path]:
    """Yields what covers a folder but for the private ones. Links are left out: what they lead to counts
    where it really is."""
    if folder in private:
        return
    start = os.path.join(folder, "")  # noqa: PTH118 (a path with a slash at its end)
    inside = {each for each in private if str(each).startswith(start)}
    if not inside:
        yield folder
        return
    for entry in _listed(folder):
        if not entry.is_symlink():
            yield from beside(inside, entry)


def devices(folder: Path = Path("/dev")) -> list[Path]:
    """Returns the GPUs' nodes and the few that every program needs."""
    return [*(Path(name) for name in _DEVICES), *folder.glob("nvidia*")]


def _readable() -> list[Path]:
    home = Path("~").expanduser()
    private = {Path(os.path.realpath(place)) for place in (*_PRIVATE, home, Path.cwd())}
    private.discard(Path("/"))  # the home of some system users
    # A portable home lies beside the program: what is Cove's own is readable, but what it keeps is not.
    ours = [place for folder in _own_folders() for place in beside({Path.cwd()}, folder)]
    return [*beside(private), *ours, *(home / name for name in _DRIVER_SETTINGS)]


def _own_folders() -> set[Path]:
    places = (sys.prefix, sys.base_prefix, str(Path(sys.executable).parent), *filter(None, sys.path))
    return {Path(os.path.realpath(place)) for place in places}


def _programs(hello: Hello) -> list[Path]:
    """Returns what it takes to start the template helper; nothing if that is not the program that runs here
    (a wrapper): then any program may be started, as confined as this one."""
    own = Path("/proc/self/exe")
    try:
        if not hello.helper_argv or not own.samefile(hello.helper_argv[0]):
            return []
        loaders = {Path(found) for found in _LOADER.findall(Path("/proc/self/maps").read_text())}
        return [own.readlink(), *loaders]
    except OSError:
        return []


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
