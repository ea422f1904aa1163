"""Transfers move only where the table lets them."""

from __future__ import annotations

import itertools

import pytest

from app.domain.notice import Notice, NoticeCode
from app.domain.transfer import Transfer, TransferState
from app.downloads.states import ACTIVE, MOVES, moved
from app.errors import BugError

TRANSFER = Transfer(id="t", repo="me/a", quant="Q4_0", bytes_per_second=5.0)


def test_only_legal_moves_are_made():
    for before, after in itertools.permutations(TransferState, 2):
        start = Transfer(id="t", repo="me/a", quant="Q4_0", state=before)
        if after in MOVES[before]:
            assert moved(start, after).state is after
        else:
            with pytest.raises(BugError):
                moved(start, after)


def test_every_state_has_its_moves_and_can_end():
    assert set(MOVES) == set(TransferState)
    for state in set(TransferState) - {TransferState.CANCELLED}:
        assert TransferState.CANCELLED in MOVES[state]
    assert all(TransferState.PAUSED in MOVES[state] for state in ACTIVE)


def test_a_move_brings_its_notice_and_takes_the_speed():
    notice = Notice(code=NoticeCode.DISK_FULL)
    rested = moved(TRANSFER, TransferState.PAUSED, notice)
    assert (rested.notice, rested.bytes_per_second) == (notice, 0.0)
    assert moved(rested, TransferState.PAUSED).notice is None
