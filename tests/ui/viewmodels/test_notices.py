"""One banner at a time, the gravest first, and each goes when its cause goes."""

from __future__ import annotations

import pytest

from app.client.client import ConnectionState
from app.client.protocol import OpenChat
from app.domain.chat import MessageStatus
from app.domain.notice import Action, Notice, NoticeCode
from ui.viewmodels.notices import Kind, Level

DIED = Notice(
    code=NoticeCode.ENGINE_DIED, facts={"reason": "crashed"}, actions=(Action.RETRY, Action.OPEN_LOG)
)
NEWER = Notice(code=NoticeCode.HOST_NEWER, actions=(Action.UPDATE, Action.RETRY))


@pytest.fixture
def notices(workspace, deliver):
    deliver()
    return workspace.notices


@pytest.fixture
def answering(host, workspace, deliver, notices):
    """A chat with an answer being written."""
    workspace.composer.set_text("Hi")
    workspace.composer.send()
    deliver()


def test_nothing_to_say(notices):
    assert notices.banner is None
    notices.dismiss()
    assert notices.banner is None


def test_a_host_that_is_back_at_once_is_not_worth_a_banner(host, deliver, notices):
    host.change_connection(ConnectionState.LOST)
    deliver()
    assert notices.banner is None
    host.connect()
    deliver()
    assert not notices._patience.isActive()
    assert notices.banner is None


def test_a_host_that_stays_away_is(qtbot, host, deliver, notices):
    host.change_connection(ConnectionState.LOST)
    deliver()
    qtbot.waitUntil(lambda: notices.banner is not None)
    assert notices.banner.kind is Kind.RECONNECTING
    notices.dismiss()
    assert notices.banner is not None
    host.change_connection(ConnectionState.REFUSED, NEWER)
    deliver()
    assert (notices.banner.notice, notices.banner.actions) == (NEWER, (Action.UPDATE,))
    host.connect()
    deliver()
    assert notices.banner is None


def test_retry_is_offered_where_it_is_known_what_to_do_again(notices):
    tried: list[int] = []
    notices.raise_notice(DIED)
    assert notices.banner.actions == (Action.OPEN_LOG,)
    notices.raise_notice(DIED, lambda: tried.append(1))
    assert notices.banner.actions == (Action.RETRY, Action.OPEN_LOG)
    notices.retry()
    assert tried == [1]
    assert notices.banner is None
    notices.retry()
    assert tried == [1]


def test_the_last_one_raised_is_shown_until_it_is_dismissed(notices):
    notices.raise_notice(DIED)
    assert notices.banner.level is Level.BAD
    notices.raise_notice(Notice(code=NoticeCode.CHAT_BUSY))
    assert (notices.banner.notice.code, notices.banner.level) == (NoticeCode.CHAT_BUSY, Level.WARN)
    notices.raise_deleted("c")
    assert (notices.banner.kind, notices.banner.chat_id) == (Kind.DELETED, "c")
    notices.dismiss()
    assert notices.banner is None


def test_going_elsewhere_takes_a_raised_one_away(host, deliver, workspace, notices):
    host.add_chat("c", "Hi", "Hello")
    notices.raise_notice(DIED)
    workspace.open_chat("c")
    assert notices.banner is None


@pytest.mark.parametrize(("text", "first"), [("Hel", Action.CONTINUE_ANSWER), ("", Action.RETRY)])
def test_a_failed_answer_offers_a_way_on(host, deliver, answering, notices, text, first):
    if text:
        host.grow(text)
    answer = host.end(MessageStatus.FAILED, notice=DIED)
    deliver()
    assert notices.banner.notice == DIED
    assert notices.banner.actions == (first, Action.OPEN_LOG)
    assert notices.banner.answer_id == answer.id


def test_the_gravest_is_shown_first(qtbot, host, deliver, answering, notices):
    host.end(MessageStatus.FAILED, notice=DIED)
    deliver()
    assert notices.banner.answer_id is not None
    notices.raise_notice(Notice(code=NoticeCode.CHAT_BUSY))
    assert notices.banner.notice.code is NoticeCode.CHAT_BUSY
    host.change_connection(ConnectionState.LOST)
    deliver()
    qtbot.waitUntil(lambda: notices.banner.kind is Kind.RECONNECTING)
    host.connect()
    deliver()
    assert notices.banner.notice.code is NoticeCode.CHAT_BUSY
    notices.dismiss()
    assert notices.banner.notice == DIED


def test_an_interrupted_answer_offers_to_go_on(host, deliver, workspace, answering, notices):
    host.end(MessageStatus.INTERRUPTED)
    deliver()
    assert (notices.banner.kind, notices.banner.actions) == (Kind.INTERRUPTED, (Action.CONTINUE_ANSWER,))
    workspace.act(Action.CONTINUE_ANSWER, notices.banner)
    deliver()
    assert notices.banner is None
    host.end()
    deliver()
    assert notices.banner is None


def test_an_ending_that_was_put_away_stays_away_but_the_next_is_told(
    host, deliver, workspace, answering, notices
):
    answer = host.end(MessageStatus.FAILED, notice=DIED)
    deliver()
    notices.dismiss()
    assert notices.banner is None
    host.connect()
    deliver()
    assert len(host.asked(OpenChat)) == 1
    assert notices.banner is None
    workspace.transcript.continue_answer(answer.id)
    host.end(MessageStatus.FAILED, notice=DIED)
    deliver()
    assert notices.banner is not None


def test_an_answer_stopped_by_the_reader_is_no_news(host, deliver, answering, workspace, notices):
    workspace.composer.stop()
    deliver()
    assert workspace.transcript.last.status is MessageStatus.STOPPED
    assert notices.banner is None
