"""Exit codes, usage, and one line for whatever goes wrong."""

from __future__ import annotations

import logging

import pytest

import app
from app.cli import list as list_verb
from app.cli.main import main, parse
from app.domain.notice import NoticeCode
from app.errors import BugError, KnownError

VERBS = ("run", "pull", "list", "show", "rm", "ps", "stop", "quit", "export", "host", "doctor")


@pytest.fixture
def failing(monkeypatch):
    """Makes `list` raise."""

    def fail_with(error):
        def fail(*_arguments):
            raise error

        monkeypatch.setattr(list_verb, "snapshot", fail)

    return fail_with


@pytest.mark.parametrize("argv", [[], ["dance"], ["list", "--loud"], ["show"], ["run"], ["list", "x"]])
def test_wrong_usage_is_2(argv, capsys):
    assert main(argv) == 2
    assert "usage: cove" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "prompt"),
    [
        (["m", "p"], "p"),
        (["m", "--json", "p"], "p"),
        (["--json", "m", "p"], "p"),
        (["m", "--", "-p"], "-p"),
        (["m", "--json", "--", "-p"], "-p"),
        (["m", "-5 apples"], "-5 apples"),
        (["m", "--gpu-layers", "-1", "p"], "p"),
        (["m", "--continue", ""], ""),
        (["m"], None),
    ],
)
def test_a_prompt_may_stand_anywhere(argv, prompt):
    assert parse(["run", *argv]).prompt == prompt


@pytest.mark.parametrize(
    "argv", [["m", "p", "--json", "q"], ["m", "--json", "-p"], ["m", "p", "--", "q", "r"]]
)
def test_what_is_too_much_is_wrong_usage(argv, capsys):
    with pytest.raises(SystemExit):
        parse(["run", *argv])
    assert "unrecognized arguments" in capsys.readouterr().err


def test_help_names_every_verb(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n    {verb} " in said for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_helps(verb, capsys):
    assert main([verb, "--help"]) == 0
    assert "--home" in capsys.readouterr().out


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"cove {app.__version__}\n"


@pytest.mark.parametrize("argv", [["--home", "{}", "doctor"], ["doctor", "--home", "{}"]])
def test_home_may_stand_before_or_after_the_verb(argv, cli, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    said = cli(*(part.format(elsewhere) for part in argv)).out
    assert str(elsewhere) in said


def test_the_worlds_faults_are_one_line_and_1(cli, failing):
    failing(KnownError.of(NoticeCode.NO_MODEL))
    result = cli("list")
    assert result.code == 1
    assert result.err == "cove: there is no model yet. Get one with `cove pull OWNER/REPO:QUANT`.\n"


def test_our_faults_are_one_line_and_in_the_log(cli, failing, expect_log):
    expect_log("A verb failed")
    failing(ZeroDivisionError("oh"))
    result = cli("list")
    assert result.code == 1
    assert "ZeroDivisionError: oh" in result.err
    assert result.err.count("\n") == 1
    failing(BugError("impossible"))
    assert "impossible" in cli("list").err


def test_interrupted_is_130(cli, failing):
    failing(KeyboardInterrupt())
    assert cli("list").code == 130


def test_logs_go_beside_the_hosts_log_and_nowhere_else(cli, home):
    cli("ps")
    assert not home.exists()
    assert logging.getLogger().level == logging.WARNING
    cli("list")
    cli("ps")
    assert (home / "logs" / "cli.log").exists()
    assert logging.getLogger().level == logging.WARNING
