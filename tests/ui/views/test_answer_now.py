"""Thoughts are not for ever: the button beside them, its shortcut, and the banner for thoughts in circles."""

from __future__ import annotations

import pytest

from app.client.protocol import AnswerNow
from app.domain.notice import Action, Notice, NoticeCode
from app.events import TurnNoticed
from ui.viewmodels.notices import Kind, Level

CIRCLES = Notice(code=NoticeCode.REASONING_REPEATS, actions=(Action.ANSWER_NOW,))


@pytest.fixture
def thinking(host, window, workspace, qapp, deliver):
    """A window with an answer that thinks; returns its view."""
    deliver()
    workspace.composer.set_text("Why?")
    workspace.composer.send()
    deliver()
    host.grow("", "Let me see.")
    deliver()
    qapp.processEvents()
    return window.transcript.views[-1]


def test_a_button_beside_the_thoughts_ends_them(host, workspace, thinking, deliver):
    button = thinking._answer_now
    assert button.isVisible()
    button.click()
    assert host.asked(AnswerNow) == [AnswerNow(answer_id=workspace.transcript.streaming.id)]
    assert not button.isEnabled()  # once is enough
    host.grow("It is so.")
    deliver()
    assert not button.isVisible()


def test_it_goes_with_the_answer_that_ends_while_it_thinks(host, thinking, deliver):
    host.end()
    deliver()
    assert not thinking._answer_now.isVisible()


def test_it_has_a_shortcut(host, window, thinking, deliver):
    action = window.actions_by_name["answer_now"]
    assert action.isEnabled()
    action.trigger()
    assert len(host.asked(AnswerNow)) == 1
    host.end()
    deliver()
    assert not action.isEnabled()
    workspace_is_quiet = len(host.asked(AnswerNow))
    action.trigger()
    assert len(host.asked(AnswerNow)) == workspace_is_quiet


def test_circles_are_told_in_a_banner_as_long_as_it_thinks(host, workspace, thinking, deliver):
    streaming = workspace.transcript.streaming
    host.say(TurnNoticed(chat_id=streaming.chat_id, message_id=streaming.id, notice=CIRCLES))
    deliver()
    banner = workspace.notices.banner
    assert (banner.kind, banner.level, banner.notice) == (Kind.NOTICE, Level.INFO, CIRCLES)
    assert workspace.offered(banner) == (Action.ANSWER_NOW,)
    workspace.act(Action.ANSWER_NOW, banner)
    assert host.asked(AnswerNow) == [AnswerNow(answer_id=streaming.id)]
    host.grow("It is so.")
    deliver()
    host.end()
    deliver()
    assert workspace.notices.banner is None


def test_circles_of_another_chat_are_not_told_here(host, workspace, thinking, deliver):
    host.say(TurnNoticed(chat_id="other", message_id="x", notice=CIRCLES))
    deliver()
    assert workspace.notices.banner is None
