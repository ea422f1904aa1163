"""How the engine's processes give up what they do not need, before they read a byte that is not ours.

A model file and a template are foreign: whoever finds a hole in what reads them should find himself in a
process that has nothing. Confined before any library is loaded, since Landlock only holds for threads that
are started after it, and drivers start some. Where a kernel lacks something the rest still holds, nothing
fails, and what took effect is told.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

from app.domain.engine import Confinement, Guard
from app.engine.wire import Hello
from app.engine.worker import landlock, seccomp
from app.engine.worker.reach import rules
from app.engine.worker.syscalls import Syscall, drop_privileges, syscall, this_machine

UNCONFINED = "COVE_UNCONFINED"  # for a driver that cannot live with this
ALSO_WRITABLE = "COVE_ENGINE_WRITABLE"  # a folder; for measuring coverage
OPEN_FILES = 4096
_SIGNALS_SINCE = 6  # the version of Landlock
_CACHES = ("XDG_CACHE_HOME", "MESA_SHADER_CACHE_DIR", "__GL_SHADER_DISK_CACHE_PATH", "CUDA_CACHE_PATH")
_UNKNOWN = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def confine_child(hello: Hello, call: Syscall = syscall) -> Confinement:
    """Confines an engine child that has one thread yet."""
    if hello.driver_cache:
        os.environ.update(dict.fromkeys(_CACHES, hello.driver_cache))
    if os.environ.get(UNCONFINED):
        off = Guard.TURNED_OFF
        return Confinement(network=off, files=off, signals=off, calls=off, limits=off)
    limits = _limit()
    if sys.platform != "linux":
        return Confinement(limits=limits)
    make_device_nodes()
    machine = this_machine()
    if machine is None:
        no = Guard.NOT_SUPPORTED
        return Confinement(network=no, files=no, signals=no, calls=no, limits=limits)
    drop_privileges(machine, call)
    allowed = rules(hello)
    if extra := os.environ.get(ALSO_WRITABLE):
        allowed.append(landlock.Rule(path=Path(extra), access=landlock.WRITE))
    version = landlock.restrict(allowed, call, may_network=hello.may_network)
    program = seccomp.everyday(machine, may_network=hello.may_network)
    calls = _guard(seccomp.install(program, machine, call))
    has_signals = version >= _SIGNALS_SINCE or version < 0
    return Confinement(
        network=Guard.ALLOWED if hello.may_network else calls,
        files=_guard(version),
        signals=_guard(version) if has_signals else Guard.NOT_SUPPORTED,
        calls=calls,
        limits=limits,
        landlock=max(version, 0),
    )


def confine_helper(call: Syscall = syscall) -> None:
    """Leaves the template helper nothing but its pipes. All its modules must be loaded by then."""
    machine = this_machine()
    if sys.platform != "linux" or machine is None or os.environ.get(UNCONFINED):
        return
    drop_privileges(machine, call)
    landlock.restrict((), call)
    seccomp.install(seccomp.bare(machine), machine, call)


def make_device_nodes(program: str = "nvidia-modprobe", node: Path = Path("/dev/nvidia-uvm")) -> None:
    """NVIDIA's libraries make their nodes when first used, by a program that gains rights. A confined
    process cannot, so it is done here; nothing where there is no such card, or they are there already."""
    if node.exists() or (path := shutil.which(program)) is None:
        return
    try:
        subprocess.run([path, "-c", "0", "-u"], timeout=5, check=False, capture_output=True)
    except (OSError, subprocess.SubprocessError):
        return  # the driver will say what is wrong, if anything is


def _limit() -> Guard:
    """No bound on memory: mapped models and GPUs' address spaces count, so one that never gets in the way
    also never helps. None on processes: the system counts all of the user's."""
    if sys.platform == "win32":
        return Guard.OTHER_SYSTEM
    import resource  # not there on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (most if soft == resource.RLIM_INFINITY else min(soft, most), most)
    )
    return Guard.ON


def _guard(result: int) -> Guard:
    if result >= 0:
        return Guard.ON
    return Guard.NOT_SUPPORTED if -result in _UNKNOWN else Guard.REFUSED
