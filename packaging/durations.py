"""How long the parts of making a package took, kept in build/durations.json for packaging/SIZE.md.

A part that was not made again keeps the time it took when it was made. Beside each stands how busy the
machine was: its load over the last quarter of an hour or, for what was shorter, the last five minutes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "build" / "durations.json"
_QUARTER_S = 900


@contextmanager
def measured(name: str, file: Path = FILE) -> Iterator[None]:
    """Notes how long what is done within takes, if it succeeds."""
    started = time.monotonic()
    yield
    taken = time.monotonic() - started
    load = os.getloadavg()[2 if taken > _QUARTER_S else 1]
    known = {**durations(file), name: {"seconds": round(taken, 1), "load": round(load, 1)}}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent=1))


def durations(file: Path = FILE) -> dict[str, dict[str, float]]:
    return json.loads(file.read_text()) if file.exists() else {}
