"""When a host leaves: asked to, unneeded for a while, its home gone, or (in tests) its tether cut."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

from app.core import Core
from app.host.host import Host
from app.host.lock import HostLock

log = logging.getLogger(__name__)

CHECK_S = 0.5


class Lifetime:
    """`wait` returns when the host should end."""

    def __init__(self, host: Host, core: Core, lock: HostLock, tether: Path | None = None) -> None:
        self._host = host
        self._core = core
        self._lock = lock
        self._unneeded_since: float | None = None
        if tether is not None:
            threading.Thread(target=self._hold, args=(tether,), name="host-tether", daemon=True).start()

    def wait(self) -> None:
        while not self._host.leaving.wait(CHECK_S):
            if not self._lock.is_ours:
                log.info("The lock file or its home is gone: leaving")
                return
            if self._is_unneeded():
                log.info("Nobody is here and nothing runs: leaving")
                return

    def _is_unneeded(self) -> bool:
        """True once there has been no client and no work for the whole linger."""
        linger_s, is_needed = self._core.loop.run(lambda: (self._core.linger_s, self._core.is_needed))
        if self._host.clients or is_needed:
            self._unneeded_since = None
            return False
        if self._unneeded_since is None:
            self._unneeded_since = time.monotonic()
        return time.monotonic() - self._unneeded_since >= linger_s

    def _hold(self, tether: Path) -> None:
        """Reads a pipe that nobody writes to; it ends when its other end's process does."""
        descriptor = os.open(tether, os.O_RDONLY)
        try:
            os.read(descriptor, 1)
        finally:
            os.close(descriptor)
        log.info("The tether was cut: leaving")
        self._host.leaving.set()
