"""What can be computed on here: asked of a throw-away engine child.

A broken driver can crash or hang whoever lists its devices; here that is a child with a deadline, and the
answer then is that there are no devices but the CPU.
"""

from __future__ import annotations

import logging
import os
import subprocess
import threading
from pathlib import Path

from app.engine.wire import Hello, HelloReply, WireError, decode_from_child, encode, read_frame
from app.spawn import Role, engine_environment, kill_group, spawn

log = logging.getLogger(__name__)

LIMIT_S = 10.0


def probe(cwd: Path, log_path: Path | None = None, limit_s: float = LIMIT_S) -> HelloReply | None:
    """Returns a child's greeting (library, devices), or None when it did not greet within `limit_s`."""
    with Path(log_path or os.devnull).open("ab") as errors:
        child = spawn(
            Role.ENGINE,
            cwd=cwd,
            environment=engine_environment(),
            log=errors.fileno(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    late = threading.Timer(limit_s, lambda: kill_group(child))
    late.start()
    try:
        return _greeting(child)
    except (OSError, WireError) as error:
        log.info("The device probe failed: %s", error)
        return None
    finally:
        late.cancel()
        kill_group(child)
        child.communicate()
        late.join()


def _greeting(child: subprocess.Popen[bytes]) -> HelloReply | None:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(encode(Hello()))
    child.stdin.flush()
    body = read_frame(child.stdout)
    frame = decode_from_child(body) if body is not None else None
    return frame if isinstance(frame, HelloReply) else None
