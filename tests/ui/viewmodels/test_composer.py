"""What is typed is never lost: kept a chat, sent once, and still there when it could not be sent."""

from __future__ import annotations

import pytest

from app.client.protocol import CreateChat, DeleteChat, Send, StopTurn
from app.domain.chat import MAX_MESSAGE_BYTES
from app.domain.notice import Notice, NoticeCode
from app.events import ChatRemoved
from tests.ui.fake_client import LARGER, STARTER
from ui.viewmodels.kept import Kept
from ui.viewmodels.workspace import Workspace


@pytest.fixture
def composer(workspace, deliver):
    deliver()
    return workspace.composer


def type_and_send(composer, text):
    composer.set_text(text)
    composer.send()


def test_the_first_message_makes_the_chat(host, deliver, workspace, composer):
    type_and_send(composer, "What is a cove?")
    deliver()
    create, send = host.commands
    assert isinstance(create, CreateChat)
    assert isinstance(send, Send)
    assert send.chat_id == create.chat_id == workspace.transcript.chat_id
    assert (send.text, send.parent_id, send.model_id) == ("What is a cove?", None, STARTER.id)
    assert composer.text == ""
    assert [message.content for message in workspace.transcript.messages] == ["What is a cove?", ""]


def test_the_next_message_follows_the_last_answer(host, deliver, workspace, composer):
    host.add_chat("c", "Hi", "Hello")
    workspace.open_chat("c")
    deliver()
    type_and_send(composer, "And?")
    deliver()
    (send,) = host.asked(Send)
    assert (send.chat_id, send.parent_id) == ("c", "c-1")


def test_what_can_be_done(host, deliver, workspace, composer):
    assert not composer.can_send
    composer.set_text("  \n ")
    assert not composer.can_send
    composer.set_text("Hi")
    assert composer.can_send
    composer.send()
    assert composer.is_sending
    assert not composer.can_send
    deliver()
    assert composer.can_stop
    composer.set_text("Next")
    assert not composer.can_send  # not while an answer comes
    composer.stop()
    deliver()
    assert composer.can_send
    assert composer.text == "Next"
    assert len(host.asked(StopTurn)) == 1


def test_without_a_model_there_is_nothing_to_send_to(host, deliver, workspace):
    host.models = []
    deliver()
    workspace.composer.set_text("Hi")
    assert not workspace.composer.can_send


def test_a_chat_that_is_not_read_yet_cannot_be_gone_on_with(host, deliver, workspace, composer):
    host.add_chat("c", "Hi", "Hello")
    host.is_holding = True
    workspace.open_chat("c")
    composer.set_text("And?")
    assert not composer.can_send
    composer.send()
    host.let_go()
    deliver()
    assert composer.can_send
    assert host.asked(Send) == []


def test_each_chat_has_its_own_draft(host, deliver, workspace, composer):
    host.add_chat("c", "Hi", "Hello")
    host.add_chat("d", "Hi", "Hello")
    composer.set_text("for a new one")
    workspace.open_chat("c")
    deliver()
    assert composer.text == ""
    composer.set_text("for c")
    workspace.open_chat("d")
    deliver()
    assert composer.text == ""
    workspace.open_chat("c")
    deliver()
    assert composer.text == "for c"
    workspace.new_chat()
    assert composer.text == "for a new one"


def test_drafts_outlive_the_window(home, kept, workspace, composer):
    composer.set_text("Tại sao bầu trời màu xanh? 为什么")
    workspace.save()
    assert Kept(home / "window.ini").draft(None) == "Tại sao bầu trời màu xanh? 为什么"


def test_what_a_killed_window_was_sending_to_no_host_is_there_to_be_sent_again(
    host, deliver, home, bridge, kept, workspace, composer
):
    deliver()
    host.is_holding = True
    type_and_send(composer, "the first message of all")
    kept.save()
    assert Workspace(bridge, Kept(home / "window.ini")).composer.text == "the first message of all"


def test_what_the_host_has_is_not_there_once_more(host, deliver, home, bridge, kept, workspace, composer):
    deliver()
    type_and_send(composer, "the first message of all")
    deliver()
    kept.save()
    assert Workspace(bridge, Kept(home / "window.ini")).composer.text == ""


def test_a_refused_message_stays_in_the_box(host, deliver, workspace, composer):
    host.add_chat("c", "Hi", "Hello")
    workspace.open_chat("c")
    deliver()
    notices: list[Notice] = []
    composer.refused.connect(notices.append)
    host.refusals[Send] = Notice(code=NoticeCode.MODEL_IN_USE)
    type_and_send(composer, "And?")
    deliver()
    assert notices == [Notice(code=NoticeCode.MODEL_IN_USE)]
    assert composer.text == "And?"
    assert composer.can_send


def test_a_chat_that_could_not_begin_leaves_its_text_to_the_next(host, deliver, workspace, composer):
    host.refusals[Send] = Notice(code=NoticeCode.MODEL_IN_USE)
    type_and_send(composer, "Hi")
    deliver()
    assert workspace.transcript.chat_id is None
    assert composer.text == "Hi"
    assert isinstance(host.commands[-1], DeleteChat)
    assert workspace.chats.rowCount() == 0
    host.refusals.clear()
    composer.send()
    deliver()
    assert composer.text == ""
    assert [message.content for message in workspace.transcript.messages] == ["Hi", ""]


def test_while_the_host_is_away_the_text_stays_until_it_has_it(host, deliver, workspace, composer):
    host.is_holding = True
    type_and_send(composer, "Hi")
    deliver()
    assert composer.text == "Hi"
    assert composer.is_sending
    composer.send()
    assert len(host.asked(Send)) == 1
    host.let_go()
    deliver()
    assert composer.text == ""
    assert not composer.is_sending


def test_going_to_another_chat_while_sending_keeps_both_texts(host, deliver, workspace, composer):
    host.add_chat("c", "Hi", "Hello")
    host.add_chat("d", "Hi", "Hello")
    workspace.open_chat("c")
    deliver()
    host.is_holding = True
    type_and_send(composer, "to c")
    workspace.open_chat("d")
    composer.set_text("to d")
    host.let_go()
    deliver()
    assert composer.text == "to d"
    workspace.open_chat("c")
    deliver()
    assert composer.text == ""  # it was sent


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("x" * (MAX_MESSAGE_BYTES - 2), False),
        ("x" * (MAX_MESSAGE_BYTES - 1), True),
        ("ạ" * (MAX_MESSAGE_BYTES // 3), True),
        ("\0" * (MAX_MESSAGE_BYTES // 6 + 1), True),
    ],
)
def test_a_text_that_is_too_long_is_refused_and_kept(host, deliver, composer, text, is_refused):
    notices: list[Notice] = []
    composer.refused.connect(notices.append)
    type_and_send(composer, text)
    deliver()
    assert bool(notices) is is_refused
    assert (composer.text == text) is is_refused
    assert bool(host.asked(Send)) is not is_refused
    assert [notice.code for notice in notices] == [NoticeCode.MESSAGE_TOO_LONG] * is_refused


def test_half_a_character_does_not_break_anything(host, deliver, composer):
    type_and_send(composer, "broken \ud83d paste")
    deliver()
    assert host.asked(Send)[0].text == "broken ? paste"


def test_the_text_of_a_chat_deleted_elsewhere_moves_to_a_new_one(host, deliver, workspace, composer):
    host.add_chat("c", "Hi", "Hello")
    composer.set_text("begun")
    workspace.open_chat("c")
    deliver()
    composer.set_text("half a thought")
    host.say(ChatRemoved(chat_id="c"))
    deliver()
    assert workspace.transcript.chat_id is None
    assert composer.text == "begun\n\nhalf a thought"


def test_the_model_chosen_for_a_new_chat_answers_it(host, deliver, workspace, composer):
    host.models = [STARTER, LARGER]
    host.connect()
    deliver()
    workspace.models.choose(STARTER.id)
    type_and_send(composer, "Hi")
    deliver()
    assert host.asked(Send)[0].model_id == STARTER.id
    assert host.asked(CreateChat)[0].model_id == STARTER.id


def open_told(host, workspace, deliver):
    host.add_chat("c", "Hi", "Hello", "And?", "More")
    workspace.open_chat("c")
    deliver()


def test_a_message_written_anew_stands_beside_the_old_one(host, deliver, workspace, composer):
    open_told(host, workspace, deliver)
    composer.edit("c-2")
    assert (composer.text, composer.editing) == ("And?", "c-2")
    type_and_send(composer, "And then?")
    deliver()
    (send,) = host.asked(Send)
    assert (send.text, send.parent_id) == ("And then?", "c-1")
    assert (composer.text, composer.editing) == ("", None)
    assert [m.content for m in workspace.transcript.messages] == ["Hi", "Hello", "And then?", ""]
    assert host.messages["c-2"].content == "And?"


def test_the_first_message_written_anew_is_another_root(host, deliver, workspace, composer):
    open_told(host, workspace, deliver)
    composer.edit("c-0")
    type_and_send(composer, "Good day")
    deliver()
    assert host.asked(Send)[0].parent_id is None
    assert [message.content for message in workspace.transcript.messages] == ["Good day", ""]


def test_the_draft_waits_while_a_message_is_written_anew(host, deliver, workspace, composer):
    open_told(host, workspace, deliver)
    composer.set_text("my draft")
    composer.edit_last()
    composer.set_text("changed")
    assert composer.editing == "c-2"
    composer.edit_last()  # once more changes nothing
    assert composer.text == "changed"
    composer.cancel_edit()
    assert (composer.text, composer.editing) == ("my draft", None)
    composer.edit_last()
    type_and_send(composer, "anew")
    deliver()
    assert composer.text == "my draft"


def test_what_is_written_anew_is_kept_for_its_chat_and_over_a_restart(
    host, deliver, workspace, composer, kept, home
):
    open_told(host, workspace, deliver)
    composer.edit("c-2")
    composer.set_text("half")
    workspace.new_chat()
    assert (composer.text, composer.editing) == ("", None)
    workspace.open_chat("c")
    deliver()
    assert (composer.text, composer.editing) == ("half", "c-2")
    kept.save()
    edit = Kept(home / "window.ini").edit("c")
    assert edit is not None
    assert (edit.message_id, edit.parent_id, edit.text) == ("c-2", "c-1", "half")


def test_a_refused_edit_stays_in_the_box(host, deliver, workspace, composer):
    open_told(host, workspace, deliver)
    host.refusals[Send] = Notice(code=NoticeCode.CHAT_BUSY)
    composer.edit("c-2")
    type_and_send(composer, "anew")
    composer.cancel_edit()  # not while it is on its way
    deliver()
    assert (composer.text, composer.editing) == ("anew", "c-2")


def test_only_what_a_person_said_is_written_anew(host, deliver, workspace, composer):
    composer.edit_last()
    open_told(host, workspace, deliver)
    composer.edit("c-1")
    composer.edit("nothing")
    assert composer.editing is None


def test_an_edit_outlives_its_chat_as_a_draft(host, deliver, workspace, composer):
    open_told(host, workspace, deliver)
    composer.edit("c-2")
    composer.set_text("half")
    host.say(ChatRemoved(chat_id="c"))
    deliver()
    assert (composer.text, composer.editing) == ("half", None)


def test_a_text_that_comes_back_from_a_chat_one_has_left_stands_in_the_box(
    host, deliver, workspace, composer
):
    """It was kept, but the box of the next new chat stood empty over it, and the next key overwrote it."""
    host.add_chat("c", "Hi", "Hello")
    deliver()
    host.refusals[Send] = Notice(code=NoticeCode.NO_MODEL)
    host.is_holding = True
    type_and_send(composer, "the first message of all")
    workspace.open_chat("c")
    workspace.new_chat()
    assert composer.text == ""
    host.let_go()
    deliver()
    assert composer.text == "the first message of all"
