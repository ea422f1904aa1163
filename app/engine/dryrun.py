"""What llama.cpp would take for a plan: asked of a throw-away engine child, confined like any other.

The child needs no weights: a file that has only its header, and a hole for the rest, will do.
"""

from __future__ import annotations

import logging
from pathlib import Path

from app.domain.engine import LoadPlan
from app.engine.throwaway import throwaway
from app.engine.wire import Hello, HelloReply, LoadFailed, Measure, Measured, WireError
from app.errors import KnownError

log = logging.getLogger(__name__)

LIMIT_S = 20.0


def dry_run(
    plan: LoadPlan,
    cwd: Path,
    log_path: Path | None = None,
    *,
    files: tuple[str, ...] = (),
    driver_cache: str = "",
    limit_s: float = LIMIT_S,
) -> Measured | None:
    """Returns what a load would take; None when the child could not say it within `limit_s`.

    `files` are what the child may read, by default those of the plan. Raises `KnownError` for what a load
    would fail with, too.
    """
    hello = Hello(files=files or plan.files, driver_cache=driver_cache)
    with throwaway(cwd, log_path, limit_s) as child:
        try:
            child.tell(hello)
            greeting = child.hear()
            if not isinstance(greeting, HelloReply) or greeting.mismatch:
                return None
            child.tell(Measure(plan=plan))
            while True:
                frame = child.hear()
                if isinstance(frame, Measured):
                    return frame
                if isinstance(frame, LoadFailed):
                    raise KnownError(frame.notice)
        except (OSError, WireError) as error:
            log.info("The dry run failed: %s", error)
            return None


def write_hollow(path: Path, header: bytes, file_bytes: int) -> None:
    """Writes a file that has a header and, for the rest of its length, a hole. Raises `OSError` where there
    are no such files and no room for a real one."""
    with path.open("wb") as file:
        file.write(header)
        file.truncate(file_bytes)
