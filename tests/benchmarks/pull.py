"""One pull, timed from within: prints its seconds, and those of CPU time.

    python -m tests.benchmarks.pull HOME ENDPOINT REPO

Importing is not counted; planning, hashing and the library are.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from app.domain.transfer import Transfer, TransferState
from app.downloads.queue import Downloads
from app.models.hub import ModelHub
from app.models.library import Library
from app.network.door import Door
from app.network.ledger import Ledger
from app.paths import Paths
from tests.fakes.tables import MemoryTable


def main() -> None:
    home, endpoint, repo = sys.argv[1:]
    paths = Paths(Path(home))
    paths.make()
    ended = threading.Event()
    last: list[Transfer] = []

    def hear(transfer: Transfer) -> None:
        last[:] = [transfer]
        if transfer.state in (TransferState.DONE, TransferState.FAILED, TransferState.PAUSED):
            ended.set()

    hub = ModelHub(Door(Ledger(), lambda: False))
    with hub.session(repo, "main", {"HF_ENDPOINT": endpoint}):
        pass  # imports what a host has imported long ago
    downloads = Downloads(
        MemoryTable(),
        hub,
        Library(MemoryTable(), paths),
        paths,
        on_change=hear,
        on_removed=lambda _: None,
    )
    began, worked = time.monotonic(), time.process_time()
    downloads.pull(repo, None, "main", {"HF_ENDPOINT": endpoint})
    ended.wait()
    print(time.monotonic() - began, time.process_time() - worked)
    downloads.close()
    assert last[0].state is TransferState.DONE, last[0].notice


if __name__ == "__main__":
    main()
