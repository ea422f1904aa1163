from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import Cove


@pytest.fixture
def cove(home: Path) -> Iterator[Cove]:
    """Cove with llama.cpp."""
    cove = Cove(home, "llama")
    yield cove
    cove.close()


@pytest.fixture
def scripted(home: Path) -> Iterator[Cove]:
    """Cove with the scripted engine."""
    cove = Cove(home, "scripted")
    yield cove
    cove.close()
