from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store import Store
from tests.store.makers import MEMORY


@pytest.fixture
def path() -> Iterator[Path]:
    """Where a store may be made: in memory where the system has such a place, as these tests make many."""
    with tempfile.TemporaryDirectory(prefix="cove-store-", dir=MEMORY) as folder:
        yield Path(folder) / "cove.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store.open(path)
    yield store
    store.close()
