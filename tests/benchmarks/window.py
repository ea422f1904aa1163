"""What is measured of the window, each time in a process of its own, on the offscreen platform: the work is
the same as on a screen, only the last step to it is missing. Processor time is the window's own, without its
host's; a busy machine lengthens it less."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from app.domain.ids import now_ms
from app.paths import resolve
from app.store import Store
from tests.architecture.sources import ROOT
from tests.benchmarks.table import Row, megabytes, spread
from tests.e2e.processes import Cove
from tests.store.makers import chat, fill

STARTS = 7
CHATS = 300
LONG, SHORT = 10_000, 2
PARAGRAPH = "Message {number}, with **some** words in it, and `code`, and a few words more. " * 4


def start(cove: Cove) -> list[Row]:
    """With its host to be started as well; the first start warms the system's cache and is not counted."""
    paths = resolve(cove.home)
    paths.make()
    store = Store.open(paths.database)
    for number in range(CHATS):
        moment = now_ms() - number * 3_600_000
        store.chats.add(chat(f"c{number}", title=f"Chat {number}", created_ms=moment, updated_ms=moment))
    store.close()
    found = []
    for _ in range(STARTS + 1):
        cove("quit")
        found.append(_run(cove, "tests.benchmarks.window_start", str(time.time())))
    del found[0]
    size, own = (statistics.median(report[name] for report in found) for name in ("rss", "uss"))
    return [
        Row("window painted, from process start", _took(found, "painted"), "≤ 400 ms"),
        Row("first chats painted, from process start, with the host's", _took(found, "chats"), "≤ 800 ms"),
        Row("memory: window", _memory(size, own), "≤ 120 MB"),
    ]


def _took(found: list[dict[str, Any]], name: str) -> str:
    took, worked = ([report[f"{name}{kind}"] for report in found] for kind in ("_ms", "_worked_ms"))
    return f"{spread(took, 'ms')}; {statistics.median(worked):.0f} ms of processor time"


def _memory(size: float, own: float) -> str:
    return f"{megabytes(size)}, {megabytes(own)} of its own"


def stream(cove: Cove) -> list[Row]:
    """A flush while an answer with everything in it comes at 200 tokens a second."""
    folder = cove.home.parent / "scripted"
    folder.mkdir()
    scripted = Cove(folder / "cove", "scripted")
    paths = resolve(scripted.home)
    paths.make()
    store = Store.open(paths.database)
    for count in (SHORT, LONG):
        fill(store, count, f"chat{count}", PARAGRAPH)
    store.close()
    try:
        return [row for count in (SHORT, LONG) for row in _streamed(scripted, count)]
    finally:
        scripted.close()


def _streamed(cove: Cove, count: int) -> list[Row]:
    report = _run(cove, "tests.benchmarks.window_stream", f"chat{count}")
    took, worked = report["took_ms"], report["worked_ms"]
    quarter = len(took) // 4
    first, last = statistics.median(worked[:quarter]), statistics.median(worked[-quarter:])
    slow, work = (statistics.quantiles(costs, n=100)[98] for costs in (took, worked))
    where = f"a chat of {count:,} messages"
    return [
        Row(
            f"flush at 200 tokens/s in {where}, p99 of {len(took)}",
            f"{slow:.1f} ms; {work:.1f} ms of processor time "
            f"(median of the first quarter {first:.1f} ms, of the last {last:.1f} ms)",
            "≤ 16 ms, flat",
        ),
        Row(f"memory: window after that, {where}", _memory(report["rss"], report["uss"]), "≤ 120 MB"),
    ]


def _run(cove: Cove, module: str, argument: str) -> dict[str, Any]:
    environment = {
        **os.environ,
        **cove.environment,
        "COVE_HOME": str(cove.home),
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(ROOT),
    }
    run = subprocess.run(
        [sys.executable, "-m", module, argument], env=environment, check=True, stdout=subprocess.PIPE
    )
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found
