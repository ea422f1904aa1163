"""The map of a part: exactly what was added, and not what was taken away again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.downloads.parts import PartMap

Pieces = list[tuple[int, int, bool]]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20), st.booleans()), max_size=12),
    st.tuples(st.integers(0, 80), st.integers(0, 80)),
)
def test_the_map_knows_exactly_what_was_added_and_removed(pieces: Pieces, window: tuple[int, int]):
    there: set[int] = set()
    known = PartMap(80)
    for start, length, is_added in pieces:
        touched = set(range(start, start + length))
        if is_added:
            known.add(start, start + length)
            there |= touched
        else:
            known.remove(start, start + length)
            there -= touched
        assert known.done_bytes == len(there)
        assert set().union(*(range(*part) for part in known.done)) == there
        PartMap(80, known.done)  # in order, apart
        missing = sorted(set(range(80)) - there)
        assert known.front == (missing[0] if missing else 80)
        for low, high in ((0, 80), window):
            first = [at for at in missing if low <= at < high]
            gap = known.gap(low, high)
            if gap is None:
                assert first == []
            else:
                assert first[0] == gap[0]
                assert not there & set(range(*gap))
                assert gap[1] == high or gap[1] in there


@pytest.mark.parametrize(
    "done",
    [((5, 3),), ((0, 5), (4, 8)), ((0, 5), (5, 8)), ((-1, 3),), ((0, 11),), ((3, 3),), ((6, 8), (0, 2))],
)
def test_a_map_that_makes_no_sense_is_refused(done: tuple[tuple[int, int], ...]):
    with pytest.raises(ValueError, match="ranges"):
        PartMap(10, done)
