"""A Debian of its own to try a package in: a folder made by debootstrap, entered with chroot.

Needs root. The pristine roots and what apt downloads are kept in build/roots; each try has a fresh copy.
Mounts and processes end with the namespaces that `smoke.py` runs in.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

USER = "tester"


class CheckError(Exception):
    """Something is not as promised; the message says what."""


@dataclass
class Root:
    """One copy. `as_root` has the network, `as_user` has none."""

    suite: str
    folder: Path
    timings: dict[str, float] = field(default_factory=dict)

    def as_root(self, *command: str) -> str:
        environment = {
            "DEBIAN_FRONTEND": "noninteractive",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
        }
        return self._finish(self._start(["chroot", str(self.folder)], command, environment), command, 900)

    def start_as_user(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        enter = ["unshare", "-n", "chroot", f"--userspec={USER}:{USER}", "--groups=", str(self.folder)]
        home = {"HOME": f"/home/{USER}", "USER": USER, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        return self._start(enter, command, {**home, **environment})

    def as_user(self, *command: str, **environment: str) -> str:
        return self._finish(self.start_as_user(*command, **environment), command, 600)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Keeps how long it takes; the best, if it is done several times."""
        started = time.monotonic()
        yield
        taken = time.monotonic() - started
        self.timings[name] = min(taken, self.timings.get(name, taken))

    def has_program(self, name: str) -> bool:
        return any((self.folder / place / name).exists() for place in ("usr/bin", "usr/local/bin", "bin"))

    def _start(
        self, enter: list[str], command: tuple[str, ...], environment: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        set_up = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in environment.items())]
        return subprocess.Popen(
            [*enter, *set_up, *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _finish(self, process: subprocess.Popen[str], command: tuple[str, ...], limit_s: float) -> str:
        try:
            output, errors = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise CheckError(f"{' '.join(command)} took longer than {limit_s:.0f} s") from error
        if process.returncode != 0:
            raise CheckError(
                f"{' '.join(command)} ended with {process.returncode}:\n{output[-2000:]}{errors[-2000:]}"
            )
        return output


def pristine(suite: str, roots: Path, mirror: str) -> Path:
    """Returns the folder that debootstrap made, made now if there is none."""
    folder = roots / suite
    done = roots / f"{suite}.complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        roots.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["debootstrap", "--variant=minbase", suite, folder, mirror], check=True, stdout=subprocess.DEVNULL
        )
        done.touch()
    return folder


def fresh(suite: str, roots: Path, mirror: str, place: Path) -> Root:
    """Returns a copy to try things in, with a user and what programs expect to be mounted."""
    source = pristine(suite, roots, mirror)
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", source, place], check=True)
    shutil.copyfile("/etc/resolv.conf", place / "etc" / "resolv.conf")
    downloads = roots / f"{suite}-packages"
    downloads.mkdir(exist_ok=True)
    (place / "tmp" / ".X11-unix").mkdir(mode=0o1777, exist_ok=True)
    for mount in (
        ["-t", "proc", "proc", place / "proc"],
        ["-t", "tmpfs", "shm", place / "dev" / "shm"],
        ["--bind", "/dev/urandom", place / "dev" / "urandom"],
        ["--bind", downloads, place / "var" / "cache" / "apt" / "archives"],
        ["--bind", "/tmp/.X11-unix", place / "tmp" / ".X11-unix"],
    ):
        subprocess.run(["mount", *mount], check=True)
    root = Root(suite, place)
    root.as_root("useradd", "--create-home", USER)
    root.as_root("apt-get", "update", "-q")
    return root
