"""A process that does nothing but pull a model, to be killed.

Called as `python -m tests.downloads.pulling HOME HUB REPO`.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from app.domain.transfer import Transfer
from app.downloads.patience import Limits
from app.downloads.queue import Downloads
from app.models.hub import ModelHub
from app.models.library import Library
from app.network.door import Door
from app.network.ledger import Ledger
from app.paths import Paths
from tests.downloads.rig import ENDED
from tests.fakes.tables import MemoryTable

LIMITS = Limits(chunk_bytes=500_000)  # four at once


def main() -> None:
    home, hub, repo = sys.argv[1:]
    paths = Paths(Path(home))
    paths.make()
    library = Library(MemoryTable(), paths)
    ended = threading.Event()

    def tell(transfer: Transfer) -> None:
        if transfer.state in ENDED:
            print(transfer.state, flush=True)
            ended.set()

    downloads = Downloads(
        MemoryTable(),
        ModelHub(Door(Ledger(), lambda: False)),
        library,
        paths,
        on_change=tell,
        on_removed=lambda _: None,
        limits=LIMITS,
    )
    downloads.pull(repo, None, "main", {"HF_ENDPOINT": hub}, lambda outcome: print(outcome, flush=True))
    ended.wait()
    downloads.close()


if __name__ == "__main__":
    main()
