"""The parts together: where the window opens, and what a banner's buttons do."""

from __future__ import annotations

import msgspec
import pytest

from app.client.protocol import (
    ChangeSetting,
    ContinueAnswer,
    LoadModel,
    OpenChat,
    Pull,
    Regenerate,
    ResumeTransfer,
    Send,
)
from app.domain.chat import MessageStatus
from app.domain.engine import EngineState
from app.domain.model import ModelSource
from app.domain.notice import Action, Notice, NoticeCode
from app.domain.transfer import Transfer, TransferState
from app.events import ChatRemoved, NoticeRaised, TransferChanged
from tests.ui.fake_client import LARGER, STARTER
from ui.viewmodels.kept import Kept
from ui.viewmodels.notices import Kind
from ui.viewmodels.workspace import LOGS, MODELS, Workspace


def raise_with(workspace, *actions, retry=None):
    workspace.notices.raise_notice(Notice(code=NoticeCode.BUG, actions=actions), retry)
    return workspace.notices.banner


def answer(host, workspace, deliver, status, **changes):
    workspace.composer.set_text("Hi")
    workspace.composer.send()
    deliver()
    return host.end(status, **changes)


def test_it_opens_where_the_reader_was(host, deliver, home, bridge, kept, workspace):
    host.add_chat("c", "Hi", "Hello")
    deliver()
    assert workspace.transcript.chat_id is None
    workspace.open_chat("c")
    kept._settings.sync()  # as Qt does in the next round of its loop: a window that is killed saves no more
    again = Workspace(bridge, Kept(home / "window.ini"))
    host.connect()
    deliver()
    assert again.transcript.chat_id == "c"
    again.new_chat()
    host.connect()
    deliver()
    assert again.transcript.chat_id is None  # only once


def test_a_reader_who_was_quicker_than_the_host_is_not_moved(host, deliver, bridge, kept, workspace):
    host.add_chat("c", "Hi", "Hello")
    kept.set_text("chat", "c")
    workspace.new_chat()
    deliver()
    assert workspace.transcript.chat_id is None


def test_opening_the_open_chat_again_changes_nothing(host, deliver, workspace):
    host.add_chat("c", "Hi", "Hello")
    deliver()
    workspace.open_chat("c")
    workspace.open_chat("c")
    deliver()
    assert len(host.asked(OpenChat)) == 1


def test_only_what_the_window_can_do_is_offered(deliver, workspace):
    deliver()
    banner = raise_with(workspace, *Action)
    assert workspace.offered(banner) == (
        Action.ANSWER_NOW,
        Action.CHOOSE_MODEL,
        Action.FREE_DISK,
        Action.SHORTEN,
        Action.GO_ONLINE,
        Action.OPEN_LOG,
    )
    workspace.act(Action.UPDATE, banner)  # nothing, and no error


def test_buttons_that_need_a_widget_are_signals(deliver, workspace):
    deliver()
    heard: list[object] = []
    workspace.model_choice_wanted.connect(lambda: heard.append("model"))
    workspace.draft_wanted.connect(lambda: heard.append("draft"))
    workspace.folder_wanted.connect(heard.append)
    banner = raise_with(workspace, *Action)
    for action in (Action.CHOOSE_MODEL, Action.SHORTEN, Action.OPEN_LOG, Action.FREE_DISK):
        workspace.act(action, banner)
    assert heard == ["model", "draft", LOGS, MODELS]


def test_going_online_tries_again(host, deliver, workspace):
    host.settings["network.offline"] = True
    deliver()
    tried: list[int] = []
    banner = raise_with(workspace, Action.GO_ONLINE, retry=lambda: tried.append(1))
    workspace.act(Action.GO_ONLINE, banner)
    assert host.asked(ChangeSetting) == [ChangeSetting(key="network.offline", value=False)]
    assert tried == [1]
    assert workspace.notices.banner is None


@pytest.mark.parametrize("status", [MessageStatus.INTERRUPTED, MessageStatus.FAILED])
def test_an_answer_is_gone_on_with_by_the_model_that_began_it(host, deliver, workspace, status):
    deliver()
    ended = answer(host, workspace, deliver, status, notice=Notice(code=NoticeCode.ENGINE_DIED))
    deliver()
    banner = workspace.notices.banner
    workspace.act(banner.actions[0], banner)
    assert host.asked(ContinueAnswer)[0].answer_id == ended.id


def test_with_another_model_chosen_it_is_answered_again_instead(host, deliver, workspace):
    host.models = [STARTER, LARGER]
    deliver()
    ended = answer(host, workspace, deliver, MessageStatus.FAILED, notice=Notice(code=NoticeCode.ENGINE_DIED))
    workspace.models.choose(STARTER.id)
    deliver()
    banner = workspace.notices.banner
    workspace.act(banner.actions[0], banner)
    (command,) = host.asked(Regenerate)
    assert (command.message_id, command.model_id) == (ended.parent_id, STARTER.id)
    assert host.asked(ContinueAnswer) == []


def test_an_answer_again_comes_from_the_chosen_model(host, deliver, workspace):
    deliver()
    ended = answer(host, workspace, deliver, MessageStatus.COMPLETE)
    deliver()
    workspace.regenerate(ended.id)
    assert host.asked(Regenerate)[0].model_id == STARTER.id
    workspace.retry_answer("unknown")
    assert len(host.asked(Regenerate)) == 1


def test_a_refused_message_can_be_sent_again_from_the_banner(host, deliver, workspace):
    deliver()
    host.refusals[Send] = Notice(code=NoticeCode.MODEL_IN_USE, actions=(Action.RETRY,))
    workspace.composer.set_text("Hi")
    workspace.composer.send()
    deliver()
    host.refusals.clear()
    banner = workspace.notices.banner
    assert workspace.offered(banner) == (Action.RETRY,)
    workspace.act(Action.RETRY, banner)
    deliver()
    assert workspace.notices.banner is None
    assert workspace.transcript.streaming is not None


def test_a_load_that_failed_can_be_tried_again(host, deliver, workspace):
    deliver()
    notice = Notice(code=NoticeCode.MODEL_LOAD_FAILED, actions=(Action.RETRY,))
    workspace.models.load(STARTER.id)
    host.set_engine(STARTER.id, EngineState.FAILED, notice=notice)
    deliver()
    assert workspace.notices.banner.notice == notice
    workspace.act(Action.RETRY, workspace.notices.banner)
    assert len(host.asked(LoadModel)) == 2
    cancelled = Notice(code=NoticeCode.MODEL_LOAD_CANCELLED)
    host.set_engine(STARTER.id, EngineState.FAILED, notice=cancelled)
    deliver()
    assert workspace.notices.banner is None  # the reader knows


def test_a_chat_that_could_not_be_read_can_be_read_again(host, deliver, workspace):
    host.add_chat("c", "Hi", "Hello")
    deliver()
    host.refusals[OpenChat] = Notice(code=NoticeCode.BUG, actions=(Action.RETRY,))
    workspace.open_chat("c")
    deliver()
    host.refusals.clear()
    workspace.act(Action.RETRY, workspace.notices.banner)
    deliver()
    assert len(workspace.transcript.messages) == 2


def test_a_download_that_failed_offers_to_go_on(host, deliver, workspace):
    deliver()
    actions = (Action.RETRY, Action.RESUME_DOWNLOAD, Action.PULL_AGAIN)
    notice = Notice(code=NoticeCode.DOWNLOAD_INTERRUPTED, actions=actions)
    failed = Transfer(id="t", repo="o/r", quant="Q8_0", state=TransferState.FAILED, notice=notice)
    host.say(TransferChanged(transfer=failed))
    deliver()
    banner = workspace.notices.banner
    assert workspace.offered(banner) == actions
    for action in actions:
        workspace.act(action, banner)
        assert workspace.notices.banner is None
        workspace.notices.raise_notice(notice)
    assert host.commands == [
        ResumeTransfer(transfer_id="t"),
        ResumeTransfer(transfer_id="t"),
        Pull(repo="o/r", quant="Q8_0"),
    ]
    host.say(TransferChanged(transfer=msgspec.structs.replace(failed, state=TransferState.RUNNING)))
    deliver()
    assert workspace.offered(banner) == (Action.RETRY,)


def test_a_damaged_model_from_the_hub_can_be_pulled_again(host, deliver, workspace):
    host.models = [msgspec.structs.replace(LARGER, source=ModelSource(repo="o/r"))]
    deliver()
    banner = raise_with(workspace, Action.PULL_AGAIN)
    workspace.act(Action.PULL_AGAIN, banner)
    assert host.asked(Pull) == [Pull(repo="o/r", quant="Q4_K_M")]


def test_what_the_host_says_is_shown(host, deliver, workspace):
    deliver()
    notice = Notice(code=NoticeCode.STORE_DAMAGED, facts={"path": "p", "backup": "b"})
    host.say(NoticeRaised(notice=notice))
    deliver()
    assert workspace.notices.banner.notice == notice


def test_a_deleted_chat_can_be_brought_back(host, deliver, workspace):
    host.add_chat("c", "Hi", "Hello")
    deliver()
    workspace.open_chat("c")
    deliver()
    workspace.delete_chat("c")
    deliver()
    banner = workspace.notices.banner
    assert (banner.kind, banner.chat_id) == (Kind.DELETED, "c")
    assert workspace.transcript.chat_id is None
    workspace.restore_chat("c")
    deliver()
    assert workspace.chats.row_of("c") == 0
    assert workspace.notices.banner is None
    workspace.delete_chat(None)
    host.say(ChatRemoved(chat_id="c"))  # by another client: no undo here
    deliver()
    assert workspace.notices.banner is None


def test_a_text_in_a_chat_that_is_gone_is_said_to_be_kept(host, deliver, workspace):
    host.add_chat("c", "Hi", "Hello")
    deliver()
    workspace.open_chat("c")
    workspace.composer.set_text("half a thought")
    host.say(ChatRemoved(chat_id="c"))
    deliver()
    assert workspace.notices.banner.notice.code is NoticeCode.CHAT_NOT_FOUND
    assert workspace.composer.text == "half a thought"


def test_the_theme_is_a_setting(host, deliver, workspace):
    deliver()
    workspace.choose_theme("dark")
    assert host.settings["appearance.theme"] == "dark"
