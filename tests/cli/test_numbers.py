from __future__ import annotations

import argparse

import pytest

from app.cli.numbers import number, whole


def test_ranges_include_their_ends():
    assert number(0, 1)("1") == 1
    assert whole(-1)("-1") == -1
    assert whole(0, 2**32 - 1)(str(2**32 - 1)) == 2**32 - 1
    with pytest.raises(argparse.ArgumentTypeError):
        whole(0, 5)("6")
