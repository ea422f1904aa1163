"""The two kinds of error.

KnownError: the world said no (disk full, no network, bad file). Shown kindly, with what can be done.
BugError:   Cove is wrong. Goes to the log with a traceback and is shown as such.
"""

from __future__ import annotations

from app.domain.notice import Action, Fact, Notice, NoticeCode


class CoveError(Exception):
    """Base of both kinds; `notice` is what a person is told."""

    def __init__(self, notice: Notice) -> None:
        super().__init__(f"{notice.code.value} {notice.facts}" if notice.facts else notice.code.value)
        self.notice = notice


class KnownError(CoveError):
    """Something outside Cove's power went wrong; it can be worded and acted on."""

    @classmethod
    def of(cls, code: NoticeCode, *actions: Action, **facts: Fact) -> KnownError:
        return cls(Notice(code=code, facts=facts, actions=actions))


class BugError(CoveError):
    """A state that Cove's own code should have made impossible."""

    def __init__(self, detail: str) -> None:
        super().__init__(Notice(code=NoticeCode.BUG, facts={"detail": detail}, actions=(Action.OPEN_LOG,)))
