"""The command line against a spawned host with the scripted engine: streams, signals, kills."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import sqlite3

import pytest

from tests.e2e.processes import Cove, kill
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

MODEL = "smollm2"
STARTER = "smollm2-135m-instruct:q4_1"
LONG = "/slow 30 " + " ".join(f"word{number}" for number in range(1, 400))


def answer_of(scripted: Cove) -> dict:
    """The last message of the only chat, after checking that the question is there."""
    (chat,) = scripted.chats()
    question, answer = chat["messages"]
    assert question["content"] == LONG
    return answer


def test_an_answer_streams(scripted):
    running = scripted.start("run", MODEL, LONG)
    running.read_until("word3")
    assert running.process.poll() is None
    running.process.send_signal(signal.SIGINT)
    running.end()


def test_ctrl_c_stops_the_answer_and_keeps_it(scripted):
    running = scripted.start("run", MODEL, LONG)
    running.read_until("word3")
    running.process.send_signal(signal.SIGINT)
    result = running.end()
    assert (result.code, result.err) == (130, "")
    answer = answer_of(scripted)
    assert answer["status"] == "stopped"
    assert answer["content"] == result.out.rstrip("\n")


def test_a_killed_client_loses_nothing(scripted):
    running = scripted.start("run", MODEL, LONG)
    running.read_until("word3")
    running.kill()
    wait_until(lambda: answer_of(scripted).get("status") == "interrupted")
    assert answer_of(scripted)["content"].startswith("word1 word2 word3")


def test_a_killed_host_loses_nothing_and_is_started_again(scripted):
    running = scripted.start("run", MODEL, LONG)
    running.read_until("word40")
    kill(scripted.hosts())
    result = running.end()
    assert result.code == 1
    assert "ended in mid-answer. Your message and" in result.err
    assert f"cove run {STARTER} --continue" in result.err
    answer = answer_of(scripted)
    assert answer["status"] == "interrupted"
    # Chunks are saved every half second, so at most that much is missing.
    assert result.out.startswith(answer["content"][:40])
    assert len(result.out) - len(answer["content"]) < 25 * len("word100 ")
    goes_on = scripted("run", MODEL, "--continue", "again")
    assert (goes_on.code, goes_on.out) == (0, "again\n")


def test_whoever_reads_our_output_may_leave(scripted):
    running = scripted.start("run", MODEL, LONG)
    running.read_until("word3")
    running.process.stdout.close()
    assert running.process.stderr.read() == b""
    assert running.process.wait(20) == 1
    running.process.stderr.close()
    wait_until(lambda: answer_of(scripted).get("status") == "interrupted")


def test_two_clients_speak_to_one_host(scripted):
    running = scripted.start("run", MODEL, LONG)
    running.read_until("word3")
    busy = scripted("ps", "--json").json
    assert busy["engines"][0]["active_requests"] == 1
    assert busy["host"]["clients"] == 1
    assert len(scripted.hosts()) == 1
    running.process.send_signal(signal.SIGINT)
    running.end()


def test_what_only_looks_starts_nothing(scripted):
    assert scripted("ps", "--json").json == {"host": None, "engines": []}
    assert scripted("stop").out == "Nothing was loaded.\n"
    assert scripted("quit").out == "Nothing was running.\n"
    assert not scripted.home.exists()


def test_quit_returns_when_the_host_is_gone(scripted):
    assert scripted("list").code == 0
    assert len(scripted.hosts()) == 1
    assert scripted("quit").code == 0
    assert scripted.hosts() == []


def test_a_host_in_the_foreground(scripted):
    running = scripted.start("host", "--foreground", "--engine", "scripted")
    wait_until(lambda: scripted("ps", "--json").json["host"])
    assert scripted("ps", "--json").json["host"]["pid"] == running.process.pid
    running.process.send_signal(signal.SIGINT)
    result = running.end()
    assert result.code == 0
    assert "Host has left" in result.err


def test_a_home_that_cannot_be_used_is_one_line(scripted):
    scripted.home.write_text("in the way")
    result = scripted("run", MODEL, "hi")
    assert result.code == 1
    assert "cannot be written to" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    "verb", [("run", MODEL, "hi"), ("list",), ("pull", "o/r"), ("export", "--all")], ids=str
)
def test_chats_of_a_newer_version_are_one_line_and_left_alone(scripted, verb):
    scripted.home.mkdir()
    with contextlib.closing(sqlite3.connect(scripted.home / "cove.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA user_version = 999")
    before = (scripted.home / "cove.db").read_bytes()
    result = scripted(*verb)
    assert result.code == 1
    assert "written by a newer Cove (format 999" in result.err
    assert result.err.count("\n") == 1
    assert (scripted.home / "cove.db").read_bytes() == before


def test_a_conversation_at_a_real_terminal(scripted):
    """Types at a pseudo-terminal: an answer, Ctrl-C in a long one, Ctrl-D."""
    ours, theirs = pty.openpty()
    running = scripted.start("run", MODEL, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    seen = ""

    def expect(part: str) -> None:
        nonlocal seen
        while part not in seen:
            seen += os.read(ours, 4096).decode()
        seen = seen.partition(part)[2]

    expect(">>> ")
    os.write(ours, b"hello you\n")
    expect("hello you\r\n")  # the echo
    expect("hello you\r\n")
    os.write(ours, f"{LONG}\n".encode())
    expect("word399\r\n")
    expect("word3 ")
    running.process.send_signal(signal.SIGINT)
    expect(">>> ")
    os.write(ours, b"\x04")
    assert running.process.wait(20) == 0
    os.close(ours)


def test_doctor_finds_the_engine_and_its_devices(scripted):
    report = scripted("doctor", "--json").json
    assert report["versions"]["engine"].startswith("llama-cpp-python 0.3.36")
    assert any(device["kind"] == "cpu" and device["total_bytes"] > 0 for device in report["devices"])
    assert report["problems"] == []
    assert scripted.hosts() == []


def test_wrong_usage_makes_no_home(scripted):
    assert scripted("dance").code == 2
    assert not scripted.home.exists()


def test_a_prompt_from_a_pipe(scripted):
    assert scripted("run", MODEL, stdin="piped text").out == "piped text\n"
