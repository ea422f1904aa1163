"""A part file and a session with the fake Hub, for what works between them."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from app.downloads.partfile import PartFile
from app.downloads.parts import Place
from app.downloads.patience import Limits
from app.downloads.task import FileTask
from app.models.hub import Identity, ModelHub, RemoteRepo
from app.network.door import Door
from app.network.ledger import Ledger
from tests.downloads.rig import QUICK, REPO
from tests.fakes.hub_server import HubServer

CHUNK = 100_000
BODY = b"GGUF" + random.Random(3).randbytes(1_049_996)
NAME = "big-Q4_0.gguf"
FOUR = replace(QUICK, chunk_bytes=CHUNK)
ONE = replace(FOUR, ranges=1)


class Bench:
    """One file of a repo, its part, and as many sessions as are asked for."""

    def __init__(self, folder: Path, server: HubServer, limits: Limits = FOUR) -> None:
        self.server = server
        self.limits = limits
        self.door = Door(Ledger(), lambda: False)
        self.hub = ModelHub(self.door)
        server.add_repo(REPO, {NAME: BODY})
        with self.session() as remote:
            choice = remote.choose(None)
            entry = choice.group.files[0]
            identity = Identity(size_bytes=len(BODY), etag=entry.sha256, sha256=entry.sha256)
        self.task = FileTask(choice.commit, entry, identity, Place(folder / NAME))
        self.part = PartFile(self.task.place, identity, limits.chunk_bytes)

    def session(self) -> contextlib.AbstractContextManager[RemoteRepo]:
        return self.hub.session(REPO, "main", self.server.environment)

    def close(self) -> None:
        self.part.close()
        self.door.close()


@contextlib.contextmanager
def bench(folder: Path, server: HubServer, limits: Limits = FOUR) -> Iterator[Bench]:
    made = Bench(folder, server, limits)
    try:
        yield made
    finally:
        server.closing.set()
        made.close()
