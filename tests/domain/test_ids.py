from __future__ import annotations

import re
import time

import pytest

from app.domain import ids
from app.domain.ids import new_id, now_ms


def test_ids_differ_and_look_alike():
    made = {new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


def test_ids_sort_by_the_time_of_making(monkeypatch: pytest.MonkeyPatch):
    made = []
    for moment in (0, 1, 255, 256, 1_700_000_000_000, 2**48 - 1):
        monkeypatch.setattr(ids, "now_ms", lambda moment=moment: moment)
        made.append(new_id())
    assert made == sorted(made)
    assert {len(one) for one in made} == {32}


def test_now_is_now():
    assert abs(now_ms() - time.time() * 1000) < 5000
