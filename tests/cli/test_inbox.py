from __future__ import annotations

import io
import os
import signal
import threading

import pytest

from app.cli.console import Console
from app.cli.inbox import Hurry, Inbox
from app.client.client import ConnectionState
from app.client.protocol import Done, Snapshot
from app.domain.notice import Notice, NoticeCode
from app.errors import KnownError
from app.events import ChatRemoved, NoticeRaised
from tests.cli.conftest import Terminal

SNAPSHOT = Snapshot(epoch="e", seq=0)


@pytest.fixture
def err():
    return Terminal()


@pytest.fixture
def inbox(err):
    return Inbox(Console(io.StringIO(), err), lambda event: event == ChatRemoved(chat_id="mine"))


def test_items_come_in_order_and_only_those_that_are_wanted(inbox):
    inbox.snapshot(SNAPSHOT)
    inbox.happened(ChatRemoved(chat_id="another"))
    inbox.happened(ChatRemoved(chat_id="mine"))
    inbox.put(Done())
    assert inbox.first_snapshot() == SNAPSHOT
    assert [inbox.next(), inbox.next()] == [ChatRemoved(chat_id="mine"), Done()]
    with pytest.raises(TimeoutError):
        inbox.next(0.01)


def test_what_comes_before_the_host_is_not_waited_for(inbox):
    inbox.put(Done())
    inbox.snapshot(SNAPSHOT)
    assert inbox.first_snapshot() == SNAPSHOT


def test_notices_are_said(inbox, err):
    inbox.happened(NoticeRaised(notice=Notice(code=NoticeCode.STORE_DAMAGED, facts={"path": "/p"})))
    inbox.snapshot(SNAPSHOT)
    inbox.next()
    assert "cove: the file with your chats, /p, was damaged." in err.getvalue()


def test_a_host_that_cannot_be_had_is_an_error(inbox):
    inbox.connection_changed(ConnectionState.REFUSED, Notice(code=NoticeCode.HOME_NOT_WRITABLE))
    with pytest.raises(KnownError, match="home-not-writable"):
        inbox.first_snapshot()


def test_a_closed_client_is_an_error(inbox):
    inbox.connection_changed(ConnectionState.CLOSED, None)
    with pytest.raises(KnownError, match="host-not-running"):
        inbox.next()


def test_an_older_host_that_finishes_is_waited_for(inbox, err):
    inbox.connection_changed(ConnectionState.REFUSED, Notice(code=NoticeCode.HOST_OLDER_BUSY))
    inbox.snapshot(SNAPSHOT)
    assert inbox.next() == SNAPSHOT
    assert "finishes its work first" in err.getvalue()


def test_a_lost_connection_is_shown_and_waited_out(inbox, err):
    inbox.connection_changed(ConnectionState.LOST, None)
    inbox.connection_changed(ConnectionState.CONNECTED, None)
    inbox.snapshot(SNAPSHOT)
    assert inbox.next() == SNAPSHOT
    assert "was lost" in err.getvalue()


def test_ctrl_c_comes_out_of_next_once(inbox):
    inbox.put(Done())
    with inbox.interruptible():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            inbox.next()
        assert inbox.next() == Done()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_wakes_who_waits(inbox):
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    with inbox.interruptible():
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            inbox.next(20)
    timer.join()


def test_an_ignored_ctrl_c_stays_ignored(inbox):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with inbox.interruptible():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_backslash_is_a_hurry_while_an_answer_is_made(inbox):
    before = signal.getsignal(signal.SIGQUIT)
    with inbox.interruptible():
        signal.raise_signal(signal.SIGQUIT)
        assert isinstance(inbox.next(20), Hurry)
    assert signal.getsignal(signal.SIGQUIT) is before
