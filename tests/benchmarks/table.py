"""Rows of measurements, how they are shown, and what machine they were taken on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.architecture.sources import ROOT

RESULTS = ROOT / "tests" / "benchmarks" / "RESULTS.md"


@dataclass(frozen=True)
class Row:
    """One figure. `goal` is what ARCHITECTURE and the design ask for; nothing fails when it is missed."""

    name: str
    value: str
    goal: str = ""


def markdown(rows: list[Row]) -> str:
    lines = [("measured", "value", "goal"), ("---", "---", "---")]
    lines += [(row.name, row.value, row.goal) for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def heading() -> str:
    """Where and when: figures of different machines, or of a busy one, are not to be compared."""
    day = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    load = f"load {os.getloadavg()[0]:.1f} at start"
    return f"## {day}, {commit}\n\n{_cpu()}, {cores} cores, {memory:.0f} GiB, {platform.system()}; {load}\n\n"


def append(text: str) -> None:
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(f"\n{text}")


def spread(values: list[float], unit: str, digits: int = 0) -> str:
    """Returns the median and how far the runs were apart."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"


def megabytes(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "CPU")
