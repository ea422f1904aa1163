"""Whoever writes a long chat is told before it no longer fits, and nobody else is bothered."""

from __future__ import annotations

import pytest

from app.client.protocol import CountTokens
from app.domain.chat import MAX_MESSAGE_BYTES
from app.domain.context import ContextPolicy, PromptSize
from app.domain.notice import Notice, NoticeCode
from tests.ui.fake_client import STARTER

TIGHT = PromptSize(tokens=3500, context_tokens=4096, fits=True, policy=ContextPolicy.STOP)
FULL = PromptSize(tokens=4200, context_tokens=4096, fits=False, policy=ContextPolicy.ROLL)
LONG = "word " * 1000


@pytest.fixture
def room(host, deliver, workspace):
    deliver()
    workspace.room._timer.setInterval(0)
    return workspace.room


def counts(host) -> list[CountTokens]:
    return host.asked(CountTokens)


def test_a_long_text_is_counted_as_it_would_be_sent(host, deliver, workspace, room, qtbot):
    host.add_chat("c", "Hi", "Hello")
    host.size = TIGHT
    workspace.open_chat("c")
    deliver()
    with qtbot.waitSignal(room.changed):
        workspace.composer.set_text(LONG)
    (asked,) = counts(host)
    assert (asked.text, asked.chat_id, asked.parent_id, asked.model_id) == (LONG, "c", "c-1", STARTER.id)
    assert room.size == TIGHT


def test_what_cannot_be_tight_is_not_asked_about(host, deliver, workspace, room):
    workspace.composer.set_text("Hi")
    deliver()
    assert not room._timer.isActive()
    assert counts(host) == []


def test_a_text_that_has_room_is_nothing_to_speak_of(host, deliver, workspace, room, qtbot):
    host.size = PromptSize(tokens=2000, context_tokens=4096, fits=True, policy=ContextPolicy.ROLL)
    with qtbot.waitSignal(room.changed):
        workspace.composer.set_text(LONG)
    assert room.size is None


def test_what_was_said_of_a_text_goes_with_it(host, deliver, workspace, room, qtbot):
    host.size = FULL
    with qtbot.waitSignal(room.changed):
        workspace.composer.set_text(LONG)
    assert room.size == FULL
    with qtbot.waitSignal(room.changed):
        workspace.composer.set_text("short")
    assert room.size is None


def test_nothing_is_said_when_it_cannot_be_counted(host, deliver, workspace, room, qtbot):
    host.refusals[CountTokens] = Notice(code=NoticeCode.MODEL_FILE_MISSING, facts={"path": "/m"})
    workspace.composer.set_text(LONG)
    qtbot.waitUntil(lambda: len(counts(host)) == 1)
    deliver()
    assert room.size is None
    assert workspace.notices.banner is None


def test_a_text_that_is_too_long_for_a_message_is_not_counted(host, deliver, workspace, room, qtbot):
    workspace.composer.set_text("x" * MAX_MESSAGE_BYTES)
    with qtbot.waitSignal(room._timer.timeout):
        pass
    deliver()
    assert counts(host) == []
