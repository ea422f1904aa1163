"""What looking at a model file costs before it is loaded: time and memory for each megabyte of its header."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

from app.models.validate import validate
from tests.benchmarks.engine import Rows
from tests.benchmarks.table import Row, spread
from tests.e2e.processes import Cove
from tests.realmodels import gemma3, smollm2

ROUNDS = 7


def measure(_cove: Cove) -> Rows:
    rows: Rows = []
    for path in (smollm2(), gemma3()):
        megabytes = validate([path])[0].data_offset / 1e6
        name = f"validate {path.name}, for each MB of its header ({megabytes:.1f} MB)"
        rows.append(
            Row(name, spread([_milliseconds(path) / megabytes for _ in range(ROUNDS)], "ms"), "≤ 40 ms")
        )
        rows.append(Row(f"{name}: memory", f"{_peak_megabytes(path) / megabytes:.1f} MB", "≤ 10 MB"))
    return rows


def _milliseconds(path: Path) -> float:
    begun = time.perf_counter()
    validate([path])
    return (time.perf_counter() - begun) * 1000


def _peak_megabytes(path: Path) -> float:
    tracemalloc.start()
    try:
        validate([path])
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
