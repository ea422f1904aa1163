from __future__ import annotations

import threading
from multiprocessing.connection import Pipe

import pytest

from app.client.protocol import MAX_FRAME_BYTES
from app.client.transport import (
    MEMORY_FRAMES,
    ConnectionLost,
    SocketTransport,
    Transport,
    memory_pipe,
)
from tests.waiting import wait_until


@pytest.fixture(params=["memory", "socket"])
def ends(request: pytest.FixtureRequest) -> tuple[Transport, Transport]:
    if request.param == "memory":
        return memory_pipe()
    one, two = Pipe()
    return SocketTransport(one), SocketTransport(two)


def release(*transports: Transport) -> None:
    for transport in transports:
        transport.close()
        transport.release()


def test_frames_arrive_whole_and_in_order(ends: tuple[Transport, Transport]) -> None:
    one, two = ends
    for data in (b"", b"one", b"x" * 100_000):
        one.send(data)
        assert two.receive() == data
    release(one, two)


def test_a_frame_over_the_limit_is_not_sent(ends: tuple[Transport, Transport]) -> None:
    one, two = ends
    with pytest.raises(ValueError, match="limit"):
        one.send(b"x" * (MAX_FRAME_BYTES + 1))
    release(one, two)


@pytest.mark.parametrize("closer", [0, 1])
def test_close_wakes_a_waiting_reader_on_either_end(ends: tuple[Transport, Transport], closer: int) -> None:
    lost = threading.Event()

    def read() -> None:
        with pytest.raises(ConnectionLost):
            ends[0].receive()
        lost.set()

    reader = threading.Thread(target=read)
    reader.start()
    ends[closer].close()
    reader.join()
    assert lost.is_set()
    ends[closer].close()  # again: harmless
    release(*ends)


def test_close_wakes_a_sender_that_nobody_reads(ends: tuple[Transport, Transport]) -> None:
    sent: list[int] = []
    lost = threading.Event()

    def write() -> None:
        try:
            while True:
                ends[0].send(b"x" * 100_000)
                sent.append(1)
        except ConnectionLost:
            lost.set()

    writer = threading.Thread(target=write)
    writer.start()
    wait_until(lambda: len(sent) >= 1)
    ends[0].close()
    writer.join()
    assert lost.is_set()
    assert len(sent) <= MEMORY_FRAMES
    release(*ends)
