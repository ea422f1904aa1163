"""Which chat a question goes to, and with which settings."""

from __future__ import annotations

import json

import pytest

from app.domain.generation import Priority

MODEL = "smollm2"


@pytest.fixture
def chats(cli):
    """All chats as `export` gives them, newest first."""
    return lambda: json.loads(cli("export", "--all", "--json").out)


def test_each_run_begins_a_chat(cli, chats):
    cli("run", MODEL, "one")
    cli("run", MODEL, "two")
    assert [chat["chat"]["title"] for chat in chats()] == ["two", "one"]


def test_continue_goes_on_with_the_last_chat(cli, chats):
    cli("run", MODEL, "one")
    first = cli("run", MODEL, "--continue", "two", "--json").json
    second = cli("run", MODEL, "--continue", "three", "--json").json
    assert first["chat_id"] == second["chat_id"]
    assert 0 < first["timings"]["cache_n"] < second["timings"]["cache_n"]
    (chat,) = chats()
    assert [message["content"] for message in chat["messages"]] == [
        "one",
        "one",
        "two",
        "two",
        "three",
        "three",
    ]
    parents = [message.get("parent_id") for message in chat["messages"]]
    assert parents == [None, *(message["id"] for message in chat["messages"][:-1])]


def test_who_reads_at_a_terminal_goes_before_who_only_collects(cli, monkeypatch):
    cli("run", MODEL, "one")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    cli("run", MODEL, "two")
    (resident,) = cli.host.core.residency._residents.values()
    assert [request.priority for request in resident._engine.requests] == [
        Priority.PROGRAM,
        Priority.INTERACTIVE,
    ]


def test_nothing_to_continue(cli):
    result = cli("run", MODEL, "hi", "--continue")
    assert (result.code, result.out) == (1, "")
    assert "no chat to continue" in result.err


def test_a_conversation_is_one_branch(cli, chats):
    cli.types("one", "two")
    cli("run", MODEL)
    (chat,) = chats()
    assert chat["messages"][2]["parent_id"] == chat["messages"][1]["id"]


def test_a_question_without_an_answer_is_asked_beside_itself(cli, chats):
    cli.types("one", "/fail", "two")
    cli("run", MODEL)
    (chat,) = chats()
    by_text = {(m["role"], m.get("content", "")): m for m in chat["messages"]}
    assert by_text["user", "two"]["parent_id"] == by_text["user", "/fail"]["parent_id"]


def test_system_prompt_and_sampling_are_kept_with_the_chat(cli, chats):
    cli("run", MODEL, "one", "--system", "Be brief.", "--temperature", "0", "--seed", "7")
    (chat,) = chats()
    assert chat["chat"]["system_prompt"] == "Be brief."
    assert chat["chat"]["sampling"] == {"temperature": 0.0, "seed": 7}
    cli("run", MODEL, "two", "--continue", "--system", "Be long.", "--max-tokens", "5")
    (chat,) = chats()
    assert chat["chat"]["system_prompt"] == "Be long."
    assert "max_tokens" not in chat["chat"]["sampling"]  # said for one turn, not for the chat


def test_placement_is_for_this_turn_only(cli):
    cli("run", MODEL, "one", "--ctx", "512", "--gpu-layers", "3")
    (engine,) = cli("ps", "--json").json["engines"]
    assert engine["loaded"]["context_tokens"] == 512
    assert cli("show", MODEL, "--json").json.get("options", {}) == {}
