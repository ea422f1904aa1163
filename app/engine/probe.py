"""What can be computed on here: asked of a throw-away engine child.

A broken driver can crash or hang whoever lists its devices; here that is a child with a deadline, and the
answer then is that there are no devices but the CPU.
"""

from __future__ import annotations

import logging
from pathlib import Path

from app.engine.throwaway import throwaway
from app.engine.wire import Hello, HelloReply, WireError

log = logging.getLogger(__name__)

LIMIT_S = 10.0


def probe(cwd: Path, log_path: Path | None = None, limit_s: float = LIMIT_S) -> HelloReply | None:
    """Returns a child's greeting (library, devices), or None when it did not greet within `limit_s`."""
    with throwaway(cwd, log_path, limit_s) as child:
        try:
            child.tell(Hello())
            frame = child.hear()
        except (OSError, WireError) as error:
            log.info("The device probe failed: %s", error)
            return None
    return frame if isinstance(frame, HelloReply) else None
