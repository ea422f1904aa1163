"""`cove run`: streaming, pipes, JSON, a conversation, and how each end is told."""

from __future__ import annotations

import socket

import pytest

from app.cli.main import make_parser
from app.cli.run import model_options
from app.domain.chat import Message, MessageStatus, Role
from app.domain.generation import StopReason
from tests.cli.test_list import STARTER

MODEL = "smollm2"


def test_an_answer_is_written_to_stdout_and_nothing_else(cli):
    result = cli("run", MODEL, "one two three")
    assert (result.code, result.out, result.err) == (0, "one two three\n", "")


def test_a_pipe_alone_or_added_to_the_prompt(cli):
    with cli.stdin("from a pipe\n"):
        assert cli("run", MODEL).out == "from a pipe\n"
    with cli.stdin("piped"):
        assert cli("run", MODEL, "said:").out == "said:\n\npiped\n"


def test_a_file_as_stdin(cli, tmp_path, monkeypatch):
    (tmp_path / "question").write_text("from a file")
    with (tmp_path / "question").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert cli("run", MODEL).out == "from a file\n"


def test_what_may_never_end_is_not_waited_for(cli, monkeypatch):
    """As under a service manager: stdin is neither a pipe nor a terminal, and stays open."""
    ours, theirs = socket.socketpair()
    with ours, theirs, theirs.makefile("r") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert cli("run", MODEL, "one").out == "one\n"


def test_nothing_to_ask_is_wrong_usage(cli):
    result = cli("run", MODEL)
    assert result.code == 2
    assert "nothing to ask" in result.err


def test_json_is_one_object(cli):
    result = cli("run", MODEL, "--json", "/think two words")
    assert result.code == 0
    assert result.out.count("\n") == 1
    answer = result.json
    assert answer["text"] == "two words"
    assert answer["reasoning"] == "Let me think about: two words"
    assert answer["stop_reason"] == "end"
    assert answer["model"] == STARTER
    assert set(answer["timings"]) == {
        *("cache_n", "prompt_n", "prompt_ms", "predicted_n", "predicted_ms", "predicted_per_second")
    }
    assert answer["timings"]["predicted_n"] == 8


def test_thoughts_are_shown_on_a_terminal_and_never_on_stdout(cli):
    result = cli("run", MODEL, "/think two words", terminal=True)
    assert result.out == "two words\n"
    assert "about:" in result.err
    assert "about:" not in cli("run", MODEL, "/think two words").err


def test_max_tokens_is_told_in_json(cli):
    answer = cli("run", MODEL, "--max-tokens", "2", "--json", "one two three").json
    assert (answer["text"], answer["stop_reason"]) == ("one two", "length")


def test_a_failed_answer_is_1_and_says_why(cli):
    result = cli("run", MODEL, "/fail", "--json")
    assert result.code == 1
    assert result.json["stop_reason"] == "failed"
    assert result.json["notice"]["code"] == "template-failed"
    assert "chat template failed" in result.err


def test_a_crash_keeps_what_was_written(cli):
    result = cli("run", MODEL, "/crash one two")
    assert result.code == 1
    assert result.out == "one two\n"
    assert "everything written so far is kept" in result.err


def test_an_unknown_model_is_one_line(cli):
    result = cli("run", "nope", "hi")
    assert (result.code, result.out) == (1, "")
    assert "“nope”" in result.err


def test_a_conversation_at_a_terminal(cli):
    cli.types("one", "", "two", "/bye", "three")
    result = cli("run", MODEL)
    assert (result.code, result.out) == (0, "one\ntwo\n")
    assert "/bye or Ctrl-D" in result.err


def test_ctrl_d_and_ctrl_c_at_the_prompt(cli):
    cli.types(KeyboardInterrupt(), "one")
    result = cli("run", MODEL)
    assert (result.code, result.out) == (0, "\none\n\n")


def test_a_conversation_goes_on_after_a_failure(cli):
    cli.types("/fail", "one")
    result = cli("run", MODEL)
    assert result.out == "one\n\n"
    assert "chat template failed" in result.err


def test_a_template_that_cannot_be_read(cli, tmp_path):
    result = cli("run", MODEL, "hi", "--template", str(tmp_path / "none.jinja"))
    assert result.code == 2
    assert "No such file" in result.err
    (tmp_path / "bad.jinja").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in cli("run", MODEL, "hi", "--template", str(tmp_path / "bad.jinja")).err


@pytest.mark.parametrize(
    "wrong",
    [
        ("--temperature", "-1"),
        ("--temperature", "nan"),
        ("--top-p", "2"),
        ("--top-k", "1.5"),
        ("--seed", "-1"),
        ("--max-tokens", "0"),
        ("--gpu-layers", "many"),
    ],
)
def test_values_out_of_range_are_wrong_usage(cli, wrong):
    result = cli("run", MODEL, "hi", *wrong)
    assert (result.code, result.out) == (2, "")
    assert wrong[0] in result.err


def test_how_an_interrupted_answer_is_told():
    from app.cli.run import as_json

    message = Message(id="m", chat_id="c", role=Role.ASSISTANT, created_ms=0)
    told = {
        MessageStatus.INTERRUPTED: "interrupted",
        MessageStatus.FAILED: "failed",
        MessageStatus.STOPPED: "cancelled",
    }
    for status, reason in told.items():
        message = Message(id="m", chat_id="c", role=Role.ASSISTANT, created_ms=0, status=status)
        assert as_json(message)["stop_reason"] == reason
    complete = Message(id="m", chat_id="c", role=Role.ASSISTANT, created_ms=0, stop_reason=StopReason.LENGTH)
    assert as_json(complete)["stop_reason"] == "length"


def test_thinking_is_turned_off_or_cut_short(cli):
    assert cli("run", MODEL, "--json", "--thinking", "off", "/think two").json["reasoning"] == ""
    answer = cli("run", MODEL, "--json", "--reasoning-budget", "2", "/think two words").json
    assert (answer["reasoning"], answer["text"]) == ("Let me", "two words")


@pytest.mark.parametrize(
    ("text", "scale", "name"),
    [
        ("/x/a.gguf", 1.0, "/x/a.gguf"),
        ("/x/a.gguf:0.5", 0.5, "/x/a.gguf"),
        ("/x/a:b.gguf", 1.0, "/x/a:b.gguf"),
        ("/x/a:b.gguf:-1", -1.0, "/x/a:b.gguf"),
    ],
)
def test_adapters_have_a_path_and_perhaps_a_scale(text, scale, name):
    (adapter,) = model_options(make_parser().parse_args(["run", "m", "--adapter", text])).adapters
    assert (adapter.path, adapter.scale) == (name, scale)


def test_what_is_left_out_is_said_and_counted(cli):
    cli("run", MODEL, "word " * 2500, "--ctx", "4096", "--max-tokens", "10")
    rolled = cli("run", MODEL, "other " * 2500, "--ctx", "4096", "--max-tokens", "10", "--continue", "--json")
    assert (rolled.json["left_out"], rolled.json["reread_n"]) == (2, 2501)  # a space at the end is one too
    assert "2 earlier messages are no longer read" in rolled.err
    stopped = cli("run", MODEL, "x " * 3000, "--ctx", "4096", "--continue", "--context-policy", "stop")
    assert stopped.code == 1
    assert "--context-policy roll" in stopped.err
