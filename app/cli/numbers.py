"""Numbers on the command line, each within its range."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def number(lowest: float, highest: float) -> Callable[[str], float]:
    """Returns what reads a number within a range from the command line."""

    def read(text: str) -> float:
        value = float(text)
        if not lowest <= value <= highest:  # also false for nan
            raise argparse.ArgumentTypeError(f"{text} is not between {lowest:g} and {highest:g}")
        return value

    read.__name__ = "number"  # argparse says "invalid number value"
    return read


def whole(lowest: int, highest: int = 2**31 - 1) -> Callable[[str], int]:
    """Returns what reads a whole number within a range from the command line."""
    in_range = number(lowest, math.nextafter(highest, math.inf))

    def read(text: str) -> int:
        in_range(text)
        return int(text)

    read.__name__ = "whole number"
    return read
