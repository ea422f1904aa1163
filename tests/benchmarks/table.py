"""Rows of measurements, how they are shown, and what machine they were taken on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
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


@dataclass(frozen=True)
class Compared:
    """One figure of several contenders, measured in turn. The ratio is ours to the bare loop's, the median of
    what each round gave: a busy moment slows both of a round."""

    name: str
    values: dict[str, list[float]]
    unit: str
    goal: str = ""
    digits: int = 0

    @property
    def ratio(self) -> str:
        ours, base = self.values.get("Cove", []), self.values.get("bare", [])
        if not ours or not base:
            return ""
        rounds = [one / other for one, other in zip(ours, base, strict=True)]
        return f"{statistics.median(rounds):.3f} ({min(rounds):.2f} to {max(rounds):.2f})"

    def cells(self, contenders: list[str]) -> tuple[str, ...]:
        found = [self.values.get(contender, []) for contender in contenders]
        cells = [
            f"{statistics.median(values):.{self.digits}f} {self.unit}" if values else "" for values in found
        ]
        return (self.name, *cells, self.ratio, self.goal)


def markdown(rows: Sequence[Row | Compared]) -> str:
    plain = [(row.name, row.value, row.goal) for row in rows if isinstance(row, Row)]
    compared = [row for row in rows if isinstance(row, Compared)]
    contenders = list(dict.fromkeys(name for row in compared for name in row.values))
    text = _table(("measured", "value", "goal"), plain) if plain else ""
    if compared:
        text += "\n" if text else ""
        titles = ("measured, median", *contenders, "Cove ÷ bare, each round", "goal")
        text += _table(titles, [row.cells(contenders) for row in compared])
    return text


def _table(titles: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *lines]
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
