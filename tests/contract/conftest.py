"""What the suites of the engine contract share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.domain.engine import EngineState
from tests.contract.engine_cases import EngineCase, Opened


@pytest.fixture
def opening(home: Path) -> Iterator[Callable[..., Opened]]:
    """Opens an engine and closes it after the test."""
    opened: list[Opened] = []

    def open_engine(case: EngineCase, trouble: str = "") -> Opened:
        opened.append(case.open(home, trouble))
        return opened[-1]

    yield open_engine
    for one in opened:
        one.engine.close()
        assert one.engine.status.state == EngineState.IDLE
