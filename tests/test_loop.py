from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from app.loop import Loop
from tests.waiting import wait_until


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop("test-loop")
    loop.start()
    yield loop
    loop.close()


def test_work_runs_in_order_on_one_thread(loop: Loop) -> None:
    seen: list[tuple[int, bool]] = []
    for number in range(100):
        loop.post(lambda number=number: seen.append((number, loop.is_current)))
    loop.run(lambda: None)
    assert seen == [(number, True) for number in range(100)]
    assert not loop.is_current


def test_run_returns_the_result_and_raises_the_error(loop: Loop) -> None:
    assert loop.run(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        loop.run(lambda: 1 // 0)


def test_work_that_raises_does_not_end_the_loop(loop: Loop, expect_log: Callable[..., None]) -> None:
    expect_log("Work in the core's thread failed")
    loop.post(lambda: 1 // 0)
    assert loop.run(lambda: "alive") == "alive"


def test_timers_fire_in_order_of_their_time(loop: Loop) -> None:
    seen: list[str] = []
    loop.call_later(0.05, lambda: seen.append("later"))
    loop.call_later(0.01, lambda: seen.append("sooner"))
    wait_until(lambda: len(seen) == 2)
    assert seen == ["sooner", "later"]


def test_a_cancelled_timer_does_not_fire(loop: Loop) -> None:
    seen: list[str] = []
    timer = loop.call_later(0.01, lambda: seen.append("cancelled"))
    loop.run(timer.cancel)
    loop.call_later(0.05, lambda: seen.append("after"))
    wait_until(lambda: seen)
    assert seen == ["after"]


def test_close_finishes_what_was_posted_and_takes_no_more() -> None:
    loop = Loop("test-loop")
    loop.start()
    seen: list[int] = []
    gate = threading.Event()
    loop.post(gate.wait)
    for number in range(10):
        loop.post(lambda number=number: seen.append(number))
    loop.call_later(60, lambda: seen.append(-1))
    gate.set()
    loop.close()
    assert seen == list(range(10))
    assert not loop.post(lambda: seen.append(-1))
    with pytest.raises(RuntimeError):
        loop.run(lambda: None)
