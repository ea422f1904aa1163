"""An engine child for one question: asked, answered, gone.

Whatever it does, it is over at a deadline: a broken driver or a hostile file can crash or hang whoever
touches it.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.engine.wire import FromChild, ToChild, WireError, decode_from_child, encode, read_frame
from app.spawn import Role, engine_environment, kill_group, spawn


class Throwaway:
    """The child, while it lives."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def tell(self, frame: ToChild) -> None:
        """Raises `OSError` when it is gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(encode(frame))
        self._process.stdin.flush()

    def hear(self) -> FromChild:
        """Returns the next frame. Raises `WireError` when there is none any more, or it is nonsense."""
        assert self._process.stdout is not None
        body = read_frame(self._process.stdout)
        if body is None:
            raise WireError("the child ended")
        return decode_from_child(body)


@contextmanager
def throwaway(cwd: Path, log_path: Path | None, limit_s: float) -> Iterator[Throwaway]:
    """Starts a child and ends it, at the latest after `limit_s`; what it is told and asked then fails."""
    with Path(log_path or os.devnull).open("ab") as errors:
        process = spawn(
            Role.ENGINE,
            cwd=cwd,
            environment=engine_environment(),
            log=errors.fileno(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    late = threading.Timer(limit_s, lambda: kill_group(process))
    late.start()
    try:
        yield Throwaway(process)
    finally:
        late.cancel()
        kill_group(process)
        process.communicate()
        late.join()
