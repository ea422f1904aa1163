"""Two lines about a full context: over the box before one sends, and over the answer that it cost some of."""

from __future__ import annotations

import pytest

from app.domain.chat import Message, Role
from app.domain.context import ContextPolicy, PromptSize, Reading
from ui.texts import left_out_text, room_text
from ui.views.composer_view import ComposerView
from ui.views.message_view import AnswerView


def size(tokens: int, policy: ContextPolicy = ContextPolicy.ROLL, *, fits: bool = False) -> PromptSize:
    return PromptSize(tokens=tokens, context_tokens=4096, fits=fits, policy=policy)


def answer(reading: Reading | None) -> Message:
    return Message(id="a", chat_id="c", role=Role.ASSISTANT, created_ms=1, content="Yes.", reading=reading)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (size(3400, fits=True), ""),
        (size(4200), "oldest messages"),
        (size(4200, ContextPolicy.STOP), "no room for an answer"),
    ],
)
def test_the_box_says_how_full_the_context_would_be(theme, workspace, show, said, means):
    view = show(ComposerView(workspace.composer, workspace.room, theme))
    assert view.room.isHidden()
    workspace.room._set(said)
    assert view.room.isVisible()
    assert "of 4,096 tokens" in view.room.text()
    assert means in view.room.text()
    assert view.room.text() == room_text(said)
    workspace.room._set(None)
    assert view.room.isHidden()


def test_an_answer_says_when_less_of_the_chat_is_read(theme, show):
    view = show(AnswerView(theme, 1.0))
    view.show_message(answer(None), "M")
    assert view.left_out.isHidden()
    view.show_message(answer(Reading(left_out=12, from_id="x", reread_n=340)), "M")
    assert view.left_out.isVisible()
    assert view.left_out.text() == "12 earlier messages are no longer read · 340 tokens read first"


def test_it_is_said_once_not_over_every_answer():
    assert left_out_text(answer(Reading(left_out=12, from_id="x"))) == ""
