"""A process that says what it was given, starts one of its own that sleeps, and waits to be killed.

With the argument `detached` it first goes on in a fork; with `become` it turns into a role; with `fail` it
ends at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from app import spawn
from app.spawn import Role


def describe() -> dict[str, object]:
    umask = os.umask(0o77)
    return {
        "pid": os.getpid(),
        "session": os.getsid(0),
        "cwd": str(Path.cwd()),
        "umask": umask,
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "descriptors": [int(entry.name) for entry in Path("/proc/self/fd").iterdir()],
    }


def main() -> None:
    if "fail" in sys.argv:
        sys.exit(3)
    if "become" in sys.argv:
        spawn._MODULES[Role.ENGINE] = "tests.fakes.spawned"
        spawn.become(Role.ENGINE, "detached", environment={**os.environ, "BECAME": "yes"})
    if "detached" in sys.argv:
        spawn.detach()
    described = describe()
    if "with-child" in sys.argv:
        described["child"] = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid
    print(json.dumps(described), flush=True)
    print("to stderr", file=sys.stderr, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
