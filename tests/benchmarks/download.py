"""A download from a server that sends 100 MB a second in all: ours beside curl, which does not hash."""

from __future__ import annotations

import shutil
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

from tests.architecture.sources import ROOT
from tests.benchmarks.table import Row
from tests.benchmarks.throttled_hub import REPO
from tests.e2e.processes import Cove
from tests.fakes.gguf_file import gguf_bytes
from tests.waiting import wait_until

SIZE = 1_000_000_000
RATE = 100_000_000
ROUNDS = 3


def download(cove: Cove) -> list[Row]:
    folder = cove.home.parent / "download"
    folder.mkdir(parents=True)
    model = folder / "bench-Q4_0.gguf"
    _write(model)
    port_file = folder / "port"
    hub = [sys.executable, "-m", "tests.benchmarks.throttled_hub", str(port_file), str(model), str(RATE)]
    with subprocess.Popen(hub, cwd=ROOT) as server:
        try:
            wait_until(port_file.exists, 60)
            endpoint = f"http://127.0.0.1:{port_file.read_text()}"
            _ours(folder / "warm", endpoint)
            rounds = [
                (_ours(folder / str(number), endpoint), _curl(folder, endpoint, model.name))
                for number in range(ROUNDS)
            ]
        finally:
            server.kill()
    return _rows(rounds)


def _write(model: Path) -> None:
    """A model of that size: the header of a small one that says so, and noise."""
    small = gguf_bytes(4096)
    told = struct.pack("<IQIQ", 1, 1024, 0, 0)
    assert told in small
    head = small[:-4096].replace(told, struct.pack("<IQIQ", 1, SIZE // 4, 0, 0))
    noise = small[-4096:] * 250
    with model.open("wb") as file:
        file.write(head)
        for _ in range(SIZE // len(noise)):
            file.write(noise)
        file.write(noise[: SIZE % len(noise)])


def _rows(rounds: list[tuple[tuple[float, float], float]]) -> list[Row]:
    seconds = statistics.median(ours for (ours, _), _ in rounds)
    core = statistics.median(worked / ours for (ours, worked), _ in rounds)
    ratio = statistics.median(curl / ours for (ours, _), curl in rounds)
    return [
        Row("download at 100 MB/s, hashed", f"{SIZE / 1e6 / seconds:.0f} MB/s"),
        Row("the same, speed ÷ curl's (which does not hash)", f"{ratio:.3f}", "≥ 0.97"),
        Row("the same, share of a core", f"{core:.0%}", "≤ 40 %"),
    ]


def _ours(home: Path, endpoint: str) -> tuple[float, float]:
    """Returns the seconds it took, and those that it worked."""
    command = [sys.executable, "-m", "tests.benchmarks.pull", str(home), endpoint, REPO]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    shutil.rmtree(home)
    return float(said[0]), float(said[1])


def _curl(folder: Path, endpoint: str, name: str) -> float:
    target = folder / "by-curl"
    began = time.monotonic()
    command = ["curl", "-sSfL", "-o", str(target), f"{endpoint}/{REPO}/resolve/main/{name}"]
    subprocess.run(command, check=True)
    took = time.monotonic() - began
    target.unlink()
    return took
