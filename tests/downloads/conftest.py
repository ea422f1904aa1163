"""A fake Hub and a download queue for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.downloads.rig import DATA, REPO, Rig
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_server import HubServer


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as running:
        running.add_repo(
            REPO,
            {
                "README.md": b"hello",
                "tiny-Q4_K_M.gguf": DATA,
                "tiny-Q8_0.gguf": gguf_bytes(300_000, seed=1),
            },
        )
        yield running


@pytest.fixture
def rig(home: Path, server: HubServer) -> Iterator[Rig]:
    made = Rig(home, server)
    yield made
    server.closing.set()  # whatever it holds back may go on
    made.close()
