"""What the banner over the composer says: one thing at a time, the gravest first.

The connection, then what was raised last, then how the open chat's last answer ended. Words are the view's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, QTimer, Signal

from app.domain.chat import Message, MessageStatus, Role
from app.domain.notice import Action, Notice, NoticeCode
from ui.viewmodels.session import Link, Session
from ui.viewmodels.transcript import Transcript

# A host that is back sooner is not worth a banner that flashes by.
PATIENCE_MS = 400


class Level(StrEnum):
    INFO = "info"
    WARN = "warn"
    BAD = "bad"


class Kind(StrEnum):
    NOTICE = "notice"
    RECONNECTING = "reconnecting"
    INTERRUPTED = "interrupted"  # the last answer, by an end of the host
    DELETED = "deleted"  # a chat, which can be brought back


@dataclass(frozen=True, slots=True)
class Banner:
    """`notice` comes with Kind.NOTICE, `chat_id` with Kind.DELETED, `answer_id` if it is about an answer."""

    kind: Kind
    level: Level
    notice: Notice | None = None
    actions: tuple[Action, ...] = ()
    answer_id: str | None = None
    chat_id: str | None = None
    can_dismiss: bool = True


_CALM = frozenset(
    {
        NoticeCode.HOST_OLDER_BUSY,
        NoticeCode.HOST_NEWER,
        NoticeCode.PLAN_STEPPED_DOWN,
        NoticeCode.CHAT_BUSY,
        NoticeCode.MODEL_IN_USE,
        NoticeCode.MODEL_LOAD_CANCELLED,
        NoticeCode.MESSAGE_TOO_LONG,
        NoticeCode.OFFLINE,
        NoticeCode.DOWNLOAD_INTERRUPTED,
        NoticeCode.MODEL_NOT_REMOVABLE,
    }
)


class Notices(QObject):
    changed = Signal()

    def __init__(self, session: Session, transcript: Transcript, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._transcript = transcript
        self._raised: Notice | None = None
        self._retry: Callable[[], None] | None = None
        self._deleted: str | None = None
        self._dismissed: set[str] = set()  # turns whose end the reader has put away
        self._link_is_slow = False
        self._shown: Banner | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._on_patience_ended)
        session.changed.connect(self._on_session)
        transcript.opened.connect(self._on_opened)
        transcript.changed.connect(self._refresh)
        transcript.replaced.connect(self._refresh)

    @property
    def banner(self) -> Banner | None:
        return self._shown

    def raise_notice(self, notice: Notice, retry: Callable[[], None] | None = None) -> None:
        """Shows a notice until it is dismissed, acted on or followed by another. RETRY does `retry`."""
        self._raised, self._retry, self._deleted = notice, retry, None
        self._refresh()

    def raise_deleted(self, chat_id: str) -> None:
        """Says that a chat was deleted, as long as nothing else is to be said."""
        self._raised, self._retry, self._deleted = None, None, chat_id
        self._refresh()

    def retry(self) -> None:
        """Does what failed once more, if that is known; the notice goes."""
        retry = self._retry
        self.clear()
        if retry is not None:
            retry()

    def clear(self) -> None:
        """Takes a raised notice away."""
        self._raised, self._retry, self._deleted = None, None, None
        self._refresh()

    def dismiss(self) -> None:
        """Puts away what is shown, if it may be."""
        shown = self._shown
        if shown is None or not shown.can_dismiss:
            return
        if shown.answer_id is not None:
            self._dismissed.add(self._end_of_last())
        self.clear()

    def _on_session(self) -> None:
        is_down = self._session.link in (Link.RECONNECTING, Link.REFUSED)
        if is_down and not self._patience.isActive() and not self._link_is_slow:
            self._patience.start()
        elif not is_down:
            self._patience.stop()
            self._link_is_slow = False
        self._refresh()

    def _on_patience_ended(self) -> None:
        self._link_is_slow = True
        self._refresh()

    def _on_opened(self) -> None:
        self.clear()

    def _refresh(self) -> None:
        wanted = self._of_link() or self._of_raised() or self._of_answer()
        if wanted != self._shown:
            self._shown = wanted
            self.changed.emit()

    def _of_link(self) -> Banner | None:
        if not self._link_is_slow:
            return None
        notice = self._session.notice
        if self._session.link is not Link.REFUSED or notice is None:
            return Banner(Kind.RECONNECTING, Level.INFO, can_dismiss=False)
        # It is tried again anyway, so that is no button.
        actions = tuple(action for action in notice.actions if action is not Action.RETRY)
        return Banner(Kind.NOTICE, _level(notice), notice, actions, can_dismiss=False)

    def _of_raised(self) -> Banner | None:
        notice = self._raised
        if notice is None and self._deleted is not None:
            return Banner(Kind.DELETED, Level.INFO, chat_id=self._deleted)
        if notice is None:
            return None
        actions = notice.actions
        if Action.RETRY in actions and self._retry is None:
            actions = tuple(action for action in actions if action is not Action.RETRY)
        return Banner(Kind.NOTICE, _level(notice), notice, actions)

    def _of_answer(self) -> Banner | None:
        last = self._transcript.last
        if last is None or last.role is not Role.ASSISTANT or self._end_of_last() in self._dismissed:
            return None
        noticed = self._transcript.noticed
        if last.status is MessageStatus.STREAMING and noticed is not None:
            return Banner(Kind.NOTICE, Level.INFO, noticed, noticed.actions, last.id)
        if last.status is MessageStatus.INTERRUPTED:
            return Banner(Kind.INTERRUPTED, Level.INFO, last.notice, (Action.CONTINUE_ANSWER,), last.id)
        if last.status is MessageStatus.FAILED and last.notice is not None:
            actions = _with_a_way_on(last, last.notice)
            return Banner(Kind.NOTICE, _level(last.notice), last.notice, actions, last.id)
        return None

    def _end_of_last(self) -> str:
        """Names one ending of the last answer: a turn that goes on with it may end anew."""
        last = self._transcript.last
        return f"{last.id}/{last.turn_id}" if last is not None else ""


def _with_a_way_on(answer: Message, notice: Notice) -> tuple[Action, ...]:
    """What there is of an answer can always be gone on with; one without text is tried again."""
    has_text = bool(answer.content or answer.reasoning)
    first = Action.CONTINUE_ANSWER if has_text else Action.RETRY
    others = (Action.RETRY, Action.CONTINUE_ANSWER)
    return (first, *(action for action in notice.actions if action not in others))


def _level(notice: Notice) -> Level:
    return Level.WARN if notice.code in _CALM else Level.BAD
