from __future__ import annotations

from app.domain.notice import Action, Notice, NoticeCode
from app.errors import BugError, CoveError, KnownError


def test_a_known_error_carries_what_happened_and_what_can_be_done():
    error = KnownError.of(NoticeCode.DISK_FULL, Action.FREE_DISK, Action.RETRY, path="/home", free_bytes=0)
    assert isinstance(error, CoveError)
    assert error.notice == Notice(
        code=NoticeCode.DISK_FULL,
        facts={"path": "/home", "free_bytes": 0},
        actions=(Action.FREE_DISK, Action.RETRY),
    )
    assert str(error) == "disk-full {'path': '/home', 'free_bytes': 0}"
    assert str(KnownError.of(NoticeCode.NO_MODEL)) == "no-model"


def test_a_bug_leads_to_the_log():
    error = BugError("a turn without a chat")
    assert error.notice.code is NoticeCode.BUG
    assert error.notice.facts == {"detail": "a turn without a chat"}
    assert error.notice.actions == (Action.OPEN_LOG,)
