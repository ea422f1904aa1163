from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.client.protocol import (
    Command,
    CountTokens,
    CreateChat,
    Done,
    Hello,
    Identity,
    ListChats,
    MoveTransfer,
    Pull,
    Refused,
    Reply,
    ResumeTransfer,
    TokenCount,
)
from app.core import Core
from app.domain.context import ContextPolicy
from app.domain.ids import new_id
from app.domain.notice import NoticeCode
from app.errors import BugError
from app.host.commands import Caller, Commands
from app.host.engines import engine_maker
from app.paths import resolve
from tests.waiting import wait_until


@pytest.fixture
def core(home: Path) -> Iterator[Core]:
    paths = resolve(home)
    paths.make()
    core = Core(paths, engine_maker("scripted", paths))
    core.start()
    core.loop.run(lambda: None)
    yield core
    core.close()


def carried_out(core: Core, command: Command) -> Reply:
    replies: list[Reply] = []
    caller = Caller(client_id="c", environment={}, later=replies.append)
    core.loop.run(lambda: Commands(core).carry_out(command, caller))
    (reply,) = replies
    return reply


def test_a_command_is_carried_out_and_answered_once(core: Core) -> None:
    assert carried_out(core, CreateChat(chat_id=new_id())) == Done()


def test_a_command_that_makes_no_sense_here_is_refused(core: Core) -> None:
    reply = carried_out(core, Hello(identity=Identity(version="1")))
    assert isinstance(reply, Refused)
    assert reply.notice.code is NoticeCode.BAD_REQUEST


def test_what_the_downloads_refuse_is_refused(core: Core) -> None:
    for command in (ResumeTransfer(transfer_id="nowhere"), MoveTransfer(transfer_id="nowhere")):
        reply = carried_out(core, command)
        assert isinstance(reply, Refused)
        assert reply.notice.code is NoticeCode.TRANSFER_NOT_FOUND


def test_a_repo_that_is_no_repo_is_refused_later(core: Core) -> None:
    replies: list[Reply] = []
    caller = Caller(client_id="c", environment={"HF_HUB_OFFLINE": "1"}, later=replies.append)
    core.loop.run(lambda: Commands(core).carry_out(Pull(repo="owner/repo"), caller))
    core.close()
    (reply,) = replies
    assert isinstance(reply, Refused)
    assert reply.notice.code is NoticeCode.OFFLINE


@pytest.mark.parametrize("error", [RuntimeError("surprise"), BugError("surprise")])
def test_a_bug_is_logged_and_the_client_is_told(
    core: Core,
    monkeypatch: pytest.MonkeyPatch,
    expect_log: Callable[..., None],
    error: Exception,
) -> None:
    def fail(**arguments: object) -> None:
        raise error

    expect_log("A command failed")
    monkeypatch.setattr(core.store.chats, "page", fail)
    reply = carried_out(core, ListChats())
    assert isinstance(reply, Refused)
    assert reply.notice.code is NoticeCode.BUG
    assert "surprise" in str(reply.notice.facts["detail"])


def counted(core: Core, command: CountTokens) -> Reply:
    replies: list[Reply] = []
    caller = Caller(client_id="c", environment={}, later=replies.append)
    core.loop.run(lambda: Commands(core).carry_out(command, caller))
    return wait_until(lambda: replies, what="a reply")[0]


def test_a_text_is_counted_as_its_chat_would_be_read(core: Core) -> None:
    chat_id = new_id()
    carried_out(core, CreateChat(chat_id=chat_id, system_prompt="one two", context_policy=ContextPolicy.STOP))
    reply = counted(core, CountTokens(text="three four five", chat_id=chat_id))
    assert isinstance(reply, TokenCount)
    assert (reply.size.tokens, reply.size.fits, reply.size.policy) == (5, True, ContextPolicy.STOP)
    unborn = counted(core, CountTokens(text="word " * 9000, system_prompt="one"))
    assert isinstance(unborn, TokenCount)
    assert (unborn.size.tokens > 9000, unborn.size.fits, unborn.size.policy) == (
        True,
        False,
        ContextPolicy.ROLL,
    )
    assert core.residency.statuses() == ()


def test_what_cannot_be_counted_is_refused(core: Core) -> None:
    for command in (CountTokens(text="x", chat_id="nowhere"), CountTokens(text="x", model_id="nowhere")):
        assert isinstance(counted(core, command), Refused)
