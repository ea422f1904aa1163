from __future__ import annotations

import pytest

from app.cli.sizes import readable_bytes, readable_count


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (98_400_000, "98.4 MB"), (5e15, "5000.0 TB")],
)
def test_bytes(count, text):
    assert readable_bytes(count) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, ""), (12, "12"), (4200, "4.2 K"), (135_000_000, "135 M"), (7_200_000_000, "7.2 B")],
)
def test_counts(count, text):
    assert readable_count(count) == text
