from __future__ import annotations

import io
import os
import threading

import pytest

from app.domain.generation import Phase, StopReason
from app.engine.base import Finished, PhaseMoved, TextGrew
from app.engine.wire import Heartbeat, decode_from_child, read_frame
from app.engine.worker.outbox import Outbox, merged


def frames_of(data: bytes) -> list[object]:
    stream = io.BytesIO(data)
    found = []
    while (body := read_frame(stream)) is not None:
        found.append(decode_from_child(body))
    return found


def test_frames_are_written_in_order():
    stream = io.BytesIO()
    outbox = Outbox(stream)
    frames = [
        PhaseMoved(id="a", phase=Phase.PREFILL, done=1, total=2),
        Heartbeat(steps=3),
        Finished(id="a", stop_reason=StopReason.END),
    ]
    for frame in frames:
        outbox.put(frame)
    outbox.close()
    assert frames_of(stream.getvalue()) == frames


def test_neighbouring_texts_are_merged_and_nothing_else():
    heartbeat = Heartbeat(steps=1)
    frames = [
        TextGrew(id="a", reasoning="w"),
        TextGrew(id="a", content="x"),
        TextGrew(id="b", content="y"),
        heartbeat,
        TextGrew(id="b", content="z"),
    ]
    assert merged(frames) == [
        TextGrew(id="a", content="x", reasoning="w"),
        TextGrew(id="b", content="y"),
        heartbeat,
        TextGrew(id="b", content="z"),
    ]


def test_whoever_writes_never_waits_for_the_host():
    reading, writing = os.pipe()
    text = "x" * 1_000_000  # far more than a pipe holds
    with os.fdopen(reading, "rb") as far_end, os.fdopen(writing, "wb") as stream:
        outbox = Outbox(stream)
        for _ in range(3):
            outbox.put(TextGrew(id="a", content=text))
        received: list[bytes | None] = []
        reader = threading.Thread(target=lambda: received.extend(iter(lambda: read_frame(far_end), None)))
        reader.start()
        outbox.close(20)
        stream.close()
        reader.join()
    assert sum(len(decode_from_child(body).content) for body in received) == 3 * len(text)


def test_a_host_that_is_gone_ends_the_writer_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as stream:
        outbox = Outbox(stream, on_fault=pytest.fail)
        outbox.put(Heartbeat(steps=1))
        outbox.close()
        outbox.put(Heartbeat(steps=2))
        assert outbox.is_empty()


def test_a_bug_in_the_writer_is_logged_and_told(expect_log):
    expect_log("the writer ended")
    told: list[str] = []
    outbox = Outbox(io.BytesIO(), on_fault=lambda: told.append("fault"))
    outbox.put(object())
    outbox.close()
    assert told == ["fault"]


def test_it_knows_when_nothing_waits():
    outbox = Outbox(io.BytesIO())
    assert outbox.is_empty()
    outbox.close()
