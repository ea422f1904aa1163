"""How many threads compute: one for each physical core this process may use.

More than that makes llama.cpp slower (two threads on one core wait for each other), and so does more than a
container's share of processor time.
"""

from __future__ import annotations

import math
import os
import platform
from pathlib import Path

_CPUS = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def compute_threads(wanted: int = 0, cpus: Path = _CPUS, quota: Path = _QUOTA) -> int:
    """Returns `wanted` if given, else the number of physical cores within affinity and quota."""
    if wanted > 0:
        return wanted
    return max(1, min(_physical_cores(cpus), _quota_cores(quota)))


def _physical_cores(cpus: Path) -> int:
    usable = _usable_cpus()
    cores: set[str] = set()
    for cpu in usable:
        try:
            cores.add((cpus / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text())
        except OSError:
            return _guessed_cores(len(usable))
    return len(cores)


def _usable_cpus() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _guessed_cores(logical: int) -> int:
    # Without a topology: x86 desktops mostly run two threads a core, ARM ones a single thread.
    return (logical + 1) // 2 if platform.machine().lower() in {"x86_64", "amd64"} else logical


def _quota_cores(quota: Path) -> int:
    try:
        limit, period = quota.read_text().split()
        return max(1, math.ceil(int(limit) / int(period)))
    except (OSError, ValueError):  # no cgroup, or "max": no limit
        return os.cpu_count() or 1
