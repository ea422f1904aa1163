"""The log is set up in this process where that is harmless, and in one of its own where it is not."""

from __future__ import annotations

import logging
import re
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import log
from app.log import RoleFile, log_context, setup_log

LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}) (?P<level>[A-Z]+) (?P<pid>\d+) "
    r"(?P<thread>\S+)(?P<context>( \w+=\S+)*) (?P<name>\S+): (?P<text>.*)"
)


@pytest.fixture(autouse=True)
def _own_crash_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crashes of this process are pytest's."""
    monkeypatch.setattr(log.faulthandler, "enable", lambda file: None)
    monkeypatch.setattr(log.faulthandler, "disable", lambda: None)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Sets the log up and returns its file; undone after the test."""
    undo: list[Callable[[], None]] = []

    def start(role: str = "host", **options) -> Path:
        undo.append(setup_log(role, tmp_path / "logs", **options))
        return tmp_path / "logs" / f"{role}.log"

    yield start
    for one in reversed(undo):
        one()


def run(code: str, tmp_path: Path) -> tuple[int, str, str]:
    """Runs code in a process that has set its log up; returns its exit code, log and stderr."""
    head = "from app.log import *; from pathlib import Path; import logging, os, sys, threading\n"
    setup = f"setup_log('host', Path({str(tmp_path)!r}))\n"
    done = subprocess.run([sys.executable, "-c", head + setup + code], capture_output=True, text=True)
    return done.returncode, (tmp_path / "host.log").read_text(), done.stderr


def test_a_line_says_when_who_where_and_what(start):
    file = start()
    with log_context(command="7f"):
        logging.getLogger("app.store").info("%d chats", 3)
    found = LINE.fullmatch(file.read_text().rstrip("\n"))
    assert found is not None
    assert found["level"] == "INFO"
    assert found["thread"] == threading.current_thread().name
    assert found["context"] == " command=7f"
    assert (found["name"], found["text"]) == ("app.store", "3 chats")


def test_contexts_nest_and_belong_to_their_thread(start):
    file = start()
    logger = logging.getLogger("app")
    with log_context(command="1"), log_context(turn="2"):
        logger.info("both")
        other = threading.Thread(target=logger.info, args=["other"], name="other")
        other.start()
        other.join()
        with log_context(turn="3"):
            logger.info("inner")
    logger.info("none")
    contexts = {
        found["text"]: found["context"]
        for found in map(LINE.fullmatch, file.read_text().splitlines())
        if found
    }
    assert contexts == {
        "both": " command=1 turn=2",
        "other": "",
        "inner": " command=1 turn=3",
        "none": "",
    }


def test_the_log_is_private_and_each_role_has_its_own(start):
    host, cli = start("host"), start("cli")
    assert host != cli
    assert stat.S_IMODE(host.stat().st_mode) == 0o600
    assert stat.S_IMODE(host.parent.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_written_to_sends_the_log_to_stderr(tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    undo = setup_log("host", tmp_path / "file" / "logs")
    logging.getLogger("app").info("still running")
    undo()
    assert "still running" in capsys.readouterr().err


def test_stderr_is_asked_for_or_silent(start, capsys):
    start("quiet")
    logging.getLogger("app").info("first")
    assert capsys.readouterr().err == ""
    start("loud", to_stderr=True)
    logging.getLogger("app").info("second")
    assert "second" in capsys.readouterr().err


def test_addresses_with_signatures_are_not_logged(start):
    file = start()
    logging.getLogger("httpx").info("GET https://cdn/file?signature=secret")
    logging.getLogger("httpx").debug("more")
    assert file.read_text() == ""


def test_a_full_file_is_put_aside_and_the_oldest_goes(start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log, "MAX_BYTES", 1000)
    file = start()
    for number in range(100):
        logging.getLogger("app").info("number %d %s", number, "x" * 100)
    files = [file.with_name(name) for name in ("host.log", "host.log.1", "host.log.2", "host.log.3")]
    assert sorted(file.parent.iterdir()) == files
    assert all(one.stat().st_size < 1300 for one in files)
    kept = [int(number) for one in reversed(files) for number in re.findall(r"number (\d+)", one.read_text())]
    assert kept == list(range(kept[0], 100))


def test_two_processes_of_a_role_lose_no_line_of_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log, "MAX_BYTES", 2000)
    monkeypatch.setattr(log, "KEPT_FILES", 100)
    pair = [RoleFile(tmp_path / "cli.log") for _ in range(2)]
    for number in range(200):
        for place, handler in enumerate(pair):
            handler.emit(logging.makeLogRecord({"msg": f"<{place}-{number}> {'x' * 50}"}))
    for handler in pair:
        handler.close()
        handler.close()
    put_aside = [file for file in tmp_path.iterdir() if file.name != "cli.log"]
    assert put_aside
    assert all(file.stat().st_size >= 2000 for file in put_aside)
    text = "".join(file.read_text() for file in tmp_path.iterdir())
    assert set(re.findall(r"<\d-\d+>", text)) == {
        f"<{place}-{number}>" for place in (0, 1) for number in range(200)
    }


def test_a_log_that_cannot_grow_keeps_no_one_from_working(tmp_path: Path):
    full = Path("/dev/full")
    handler = RoleFile(full)
    handler.emit(logging.makeLogRecord({"msg": "lost"}))
    handler.close()


def test_text_no_file_can_hold_is_logged_all_the_same(tmp_path: Path):
    # In a process of its own: the runner too has to write down what a test logs.
    code, text, _ = run("logging.getLogger('app').info('half \\ud83d a character')", tmp_path)
    assert code == 0
    assert "half ? a character" in text


def test_an_error_nobody_caught_is_in_the_log_and_not_on_the_screen(tmp_path: Path):
    code, text, errors = run("1 / 0", tmp_path)
    assert code == 1
    assert "CRITICAL" in text
    assert "ZeroDivisionError" in text
    assert errors == ""


def test_an_error_in_a_thread_is_in_the_log(tmp_path: Path):
    code, text, errors = run(
        "t = threading.Thread(target=lambda: 1 / 0, name='worker'); t.start(); t.join()", tmp_path
    )
    assert code == 0
    assert re.search(r"CRITICAL \d+ worker app.log: Unhandled error in a thread\nTraceback", text)
    assert errors == ""
    code, text, _ = run("t = threading.Thread(target=sys.exit, name='leaver'); t.start(); t.join()", tmp_path)
    assert "leaver" not in text


def test_interrupting_is_no_error(tmp_path: Path):
    code, text, errors = run("raise KeyboardInterrupt", tmp_path)
    assert code == -signal.SIGINT
    assert text == ""
    assert "KeyboardInterrupt" in errors


def test_a_native_crash_is_in_the_log_also_after_it_was_put_aside(tmp_path: Path):
    code, text, _ = run(
        "import app.log; app.log.MAX_BYTES = 100\nlogging.info('x' * 200); os.abort()", tmp_path
    )
    assert code == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in text
    assert (tmp_path / "host.log.1").exists()


def test_undoing_leaves_everything_as_it_was(tmp_path: Path):
    root = logging.getLogger()
    before = (root.level, list(root.handlers), sys.excepthook, threading.excepthook)
    setup_log("host", tmp_path)()
    assert (root.level, list(root.handlers), sys.excepthook, threading.excepthook) == before
