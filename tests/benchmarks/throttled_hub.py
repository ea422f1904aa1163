"""The local Hub with a storage that is fast, and throttled as a whole.

    python -m tests.benchmarks.throttled_hub PORT_FILE MODEL BYTES_PER_SECOND

serves MODEL as me/Bench-GGUF and ends with whoever started it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from app.downloads.patience import StopFlag
from app.downloads.throttle import Throttle
from tests.fakes import hub_server
from tests.fakes.hub_handlers import StorageHandler
from tests.fakes.hub_repos import HubFile

REPO = "me/Bench-GGUF"
PIECE = 256 * 1024


class FastStorage(StorageHandler):
    """Sends straight from the file; the fake's faults are not for it."""

    throttle = Throttle()
    stop = StopFlag()

    def _send_bytes(self, file: HubFile, start: int, end: int) -> None:
        assert isinstance(file.content, Path)
        with file.content.open("rb") as source:
            while start < end:
                self.throttle.take(min(PIECE, end - start), self.stop)
                start += os.sendfile(
                    self.connection.fileno(), source.fileno(), start, min(PIECE, end - start)
                )


def main() -> None:
    port_file, model, rate = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    FastStorage.throttle = Throttle(lambda: rate)
    hub_server.StorageHandler = FastStorage  # type: ignore[misc]
    with hub_server.HubServer() as server:
        server.add_repo(REPO, {model.name: model})
        fresh = port_file.with_suffix(".new")
        fresh.write_text(str(server.port))
        fresh.replace(port_file)
        parent = os.getppid()
        while os.getppid() == parent and not server.closing.wait(0.2):
            pass


if __name__ == "__main__":
    main()
