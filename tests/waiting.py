"""Waiting on conditions, so that no test sleeps for luck."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(predicate: Callable[[], T], seconds: float = 20.0, what: str = "") -> T:
    """Returns the first true result of `predicate`; fails the test when `seconds` pass without one."""
    deadline = time.monotonic() + seconds
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"still waiting after {seconds} s: {what or predicate}")
        time.sleep(0.005)
