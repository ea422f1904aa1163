"""What of a body is wanted: exactly what lies between two places, whatever the server sends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.downloads.fetcher import pieces

FILE = b"GGUF" + bytes(range(200))


class Sent:
    """A body that begins somewhere and comes in crumbs."""

    def __init__(self, offset: int, crumbs: list[int], until: int) -> None:
        self.offset = offset
        self.crumbs = crumbs
        self.until = until

    def chunks(self) -> Iterator[bytes]:
        at = self.offset
        for crumb in self.crumbs * len(FILE):
            step = min(at + crumb, self.until)
            yield FILE[at:step]
            at = step


@given(st.data(), st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_exactly_what_was_asked_for_comes_out(data: st.DataObject, crumbs: list[int]):
    start = data.draw(st.integers(0, len(FILE) - 5))
    end = data.draw(st.integers(start + 4, len(FILE)))
    offset = data.draw(st.sampled_from([0, start]))
    until = data.draw(st.sampled_from([end, len(FILE)]))
    got = list(pieces(Sent(offset, crumbs, until), start, end))  # type: ignore[arg-type]
    assert b"".join(got) == FILE[start:end]
    assert all(got)
    if start == 0:
        assert got[0].startswith(b"GGUF")


@pytest.mark.parametrize("until", [0, 1, 3])
def test_less_than_the_magic_is_nothing_yet(until: int):
    assert list(pieces(Sent(0, [1], until), 0, 100)) == []  # type: ignore[arg-type]
