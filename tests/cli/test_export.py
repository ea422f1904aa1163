from __future__ import annotations

import json

import pytest

from app.cli.export import all_chats, choose
from app.cli.verb import VerbError
from app.client.protocol import ChatPage
from app.domain.chat import Chat
from app.errors import KnownError
from app.exchange.json_chat import read_chat

MODEL = "smollm2"


def test_a_chat_as_text_is_the_branch_that_is_shown(cli):
    cli("run", MODEL, "one two")
    assert cli("export", "one two").out == "# one two\n\n## You\n\none two\n\n## Model\n\none two\n\n"


def test_a_chat_as_json_can_be_read_again(cli):
    cli("run", MODEL, "one")
    cli("run", MODEL, "two")
    chat, messages = read_chat(cli("export", "--json", "two").out.encode())
    assert chat.title == "two"
    assert [message.content for message in messages] == ["two", "two"]


def test_all_chats_are_a_list(cli):
    assert json.loads(cli("export", "--all", "--json").out) == []
    cli("run", MODEL, "one")
    cli("run", MODEL, "two")
    assert [chat["chat"]["title"] for chat in cli("export", "--all", "--json").json] == ["two", "one"]
    assert cli("export", "--all").out.count("# ") == 6


def test_more_than_a_page_of_chats_and_messages(cli, monkeypatch):
    monkeypatch.setattr("app.client.protocol.SNAPSHOT_CHATS", 2)
    monkeypatch.setattr("app.client.protocol.PAGE_MESSAGES", 2)
    for number in range(5):
        cli("run", MODEL, f"chat {number}")
    cli("run", MODEL, "more", "--continue")
    cli("run", MODEL, "even more", "--continue")
    chats = cli("export", "--all", "--json").json
    assert [chat["chat"]["title"] for chat in chats] == [f"chat {number}" for number in (4, 3, 2, 1, 0)]
    assert len(chats[0]["messages"]) == 6
    assert cli("export", "chat 4").out.count("## You") == 3


class PagedChats:
    """Answers ListChats as the store does, two at a time."""

    def __init__(self, *updated_ms):
        self.chats = [Chat(id=f"c{n}", created_ms=0, updated_ms=ms) for n, ms in enumerate(updated_ms)]

    def call(self, command, timeout_s):
        limit_ms = command.before_ms or 10**15
        older = [chat for chat in self.chats if chat.updated_ms < limit_ms]
        return ChatPage(chats=tuple(older[:2]), has_more=len(older) > 2)


def test_chats_of_the_same_moment_are_not_lost_between_pages():
    client = PagedChats(9, 8, 8, 7, 7, 6)
    assert [chat.id for chat in all_chats(client)] == ["c0", "c1", "c2", "c3", "c4", "c5"]


@pytest.mark.parametrize("argv", [(), ("x", "--all")])
def test_one_or_all(cli, argv):
    assert cli("export", *argv).code == 2


def chat(chat_id: str, title: str) -> Chat:
    return Chat(id=chat_id, created_ms=0, updated_ms=0, title=title)


CHATS = [chat("aa1", "Trees"), chat("ab2", "Trees and lakes"), chat("b3", "Lakes")]


@pytest.mark.parametrize(
    ("reference", "found"), [("aa1", "aa1"), ("trees", "aa1"), ("ab", "ab2"), ("AND", "ab2"), ("b", "b3")]
)
def test_a_chat_by_id_or_title(reference, found):
    assert choose(reference, CHATS).id == found


def test_a_chat_that_could_be_several():
    with pytest.raises(VerbError, match=r"aa1 .*ab2 "):
        choose("a", [chat("aa1", "x"), chat("ab2", "y")])
    with pytest.raises(KnownError):
        choose("zebra", CHATS)
