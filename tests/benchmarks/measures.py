"""What is measured: each takes a `Cove` with a home of its own and returns rows."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

import psutil

from app.client.client import Client
from app.client.connect import open_client
from app.client.protocol import (
    ClientKind,
    CreateChat,
    FindModel,
    ListProcesses,
    Send,
    StopTurn,
    UnloadModel,
)
from app.domain.chat import MessageStatus
from app.domain.generation import Sampling
from app.domain.ids import new_id
from app.domain.model import ModelOptions
from app.events import Event, MessageChanged, MessageGrew
from app.paths import resolve
from tests.benchmarks import samplers, validator, window
from tests.benchmarks.download import download
from tests.benchmarks.engine import ENGINE_MEASURES, Rows
from tests.benchmarks.table import Row, megabytes, spread
from tests.e2e.processes import Cove
from tests.waiting import wait_until

MODEL = "smollm2"
ENDLESS = "Repeat the word hello a thousand times."


class Stopwatch:
    """A listener that notes when an answer began and ended."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.has_ended = threading.Event()

    def snapshot(self, snapshot: object) -> None: ...

    def connection_changed(self, state: object, notice: object) -> None: ...

    def happened(self, event: Event) -> None:
        if isinstance(event, MessageGrew):
            self.has_begun.set()
        elif isinstance(event, MessageChanged) and event.message.status is not MessageStatus.STREAMING:
            self.has_ended.set()


def send(client: Client, tokens: int, text: str = ENDLESS) -> str:
    """Begins a greedy answer in a new chat and returns its id."""
    chat_id, answer_id = new_id(), new_id()
    client.call(CreateChat(chat_id=chat_id, sampling=Sampling(temperature=0.0, max_tokens=tokens)))
    model_id = client.call(FindModel(reference=MODEL)).model.id
    message = Send(
        chat_id=chat_id,
        message_id=new_id(),
        answer_id=answer_id,
        text=text,
        model_id=model_id,
        options=ModelOptions(threads=psutil.cpu_count(logical=False) or 1),
    )
    client.call(message, 60)
    return answer_id


def answer(cove: Cove, tokens: int) -> None:
    watch = Stopwatch()
    client = open_client(resolve(cove.home), kind=ClientKind.TEST, listener=watch)
    try:
        send(client, tokens)
        assert watch.has_ended.wait(300)
    finally:
        client.close()


def stop(cove: Cove) -> list[Row]:
    """From the wish to the answer's end, as a client sees it."""
    waits: list[float] = []
    for _ in range(10):
        watch = Stopwatch()
        client = open_client(resolve(cove.home), kind=ClientKind.TEST, listener=watch)
        try:
            answer_id = send(client, 2000)
            assert watch.has_begun.wait(60)
            begun = time.perf_counter()
            client.request(StopTurn(answer_id=answer_id), lambda reply: None)
            assert watch.has_ended.wait(60)
            waits.append((time.perf_counter() - begun) * 1000)
        finally:
            client.close()
    return [Row("stop, felt", spread(waits, "ms", 1), "≤ 100 ms")]


def memory(cove: Cove) -> list[Row]:
    answer(cove, 8)
    rows = [Row(f"memory: {name}", _memory(found)) for name, found in _processes(cove)]
    client = open_client(resolve(cove.home), kind=ClientKind.TEST)
    client.call(UnloadModel())
    client.close()
    wait_until(lambda: not cove.engines())
    return [*rows, Row("memory: host without a model", _memory(cove.hosts()[0]))]


def _processes(cove: Cove) -> list[tuple[str, psutil.Process]]:
    engines = [(f"engine child, {' '.join(e.cmdline()[2:3])}", e) for e in cove.engines()]
    return [("host with a model", cove.hosts()[0]), *engines]


def _memory(process: psutil.Process) -> str:
    found = process.memory_full_info()
    return f"{megabytes(found.rss)}, {megabytes(found.uss)} of its own"


def round_trip(cove: Cove) -> list[Row]:
    client = open_client(resolve(cove.home), kind=ClientKind.TEST)
    try:
        client.call(ListProcesses())
        times = [_timed(lambda: client.call(ListProcesses())) * 1e6 for _ in range(2000)]
    finally:
        client.close()
    quantiles = statistics.quantiles(times, n=100)
    return [Row("socket round trip", f"{quantiles[49]:.0f} µs, p99 {quantiles[98]:.0f} µs")]


def command_line(cove: Cove) -> list[Row]:
    cove("list")
    warm = [_timed(lambda: cove("list")) * 1000 for _ in range(5)]
    cold = []
    for _ in range(3):
        cove("quit")
        cold.append(_timed(lambda: cove("list")) * 1000)
    return [
        Row("`cove list`, host running", spread(warm, "ms")),
        Row("`cove list`, host started by it", spread(cold, "ms")),
    ]


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


MEASURES: dict[str, Callable[[Cove], Rows]] = {
    "round_trip": round_trip,
    "command_line": command_line,
    "window": window.start,
    "stream": window.stream,
    "stop": stop,
    "memory": memory,
    "samplers": samplers.measure,
    "download": download,
    "validator": validator.measure,
    **ENGINE_MEASURES,
}
