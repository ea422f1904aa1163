"""The window of an installed Cove, driven as a person would, by keys, on a virtual screen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from checks import QUESTION, expect, processes, wait_for
from root import USER, CheckError, Root

SIZE = "1100x760x24"
_WARM_STARTS = 5
_WARM = f"window, warm start (best of {_WARM_STARTS})"
HOME = {"COVE_HOME": f"/home/{USER}/window"}  # its own, so that what it shows is its own


@contextmanager
def screen() -> Iterator[str]:
    """A virtual screen; yields its DISPLAY."""
    reading, writing = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        SIZE,
        "-nolisten",
        "tcp",
        "-ac",
        "-noreset",
    ]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield f":{pipe.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


def answers_in_window(root: Root, picture: Path) -> None:
    """Opens it several times (from the second on everything is cached), types the question and waits for the
    answer."""
    with screen() as display:
        _open_and_close(root, display, "window, first start")
        for _ in range(_WARM_STARTS - 1):
            _open_and_close(root, display, _WARM)
        process, window = _open(root, display, _WARM)
        try:
            _press(display, window, "key", "ctrl+n")
            _press(display, window, "type", "--delay", "20", QUESTION)
            _press(display, window, "key", "Return")
            with root.timed("first words in the window"):
                wait_for(lambda: _answers(root) == 1, "no answer in the window", 400)
            (engine,) = processes(root, **HOME)["engines"]
            os.kill(engine["pid"], signal.SIGKILL)
            wait_for(lambda: not _is_ready(root, engine["pid"]), "the killed engine is still ready", 60)
            _press(display, window, "type", "--delay", "20", "And what is the capital of Italy?")
            _press(display, window, "key", "Return")
            with root.timed("first words in the window after kill -9 of the engine"):
                wait_for(lambda: _answers(root) == 2, "no answer after the kill", 400)
        finally:
            picture.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["import", "-display", display, "-window", "root", picture], check=True)
            _close(process)
        root.as_user("cove", "quit", **HOME)


def opens(root: Root, program: str, name: str) -> None:
    """Opens the window of a program that is not installed, on data of its own."""
    with screen() as display:
        _close(_open(root, display, name, program, {})[0])
    root.as_user(program, "quit")


def _open_and_close(root: Root, display: str, name: str) -> None:
    _close(_open(root, display, name)[0])


def _open(
    root: Root, display: str, name: str, program: str = "cove", environment: Mapping[str, str] = HOME
) -> tuple[subprocess.Popen[str], str]:
    with root.timed(name):
        process = root.start_as_user(program, DISPLAY=display, **environment)
        window = wait_for(lambda: _visible(display), "no window appeared", 60)
    expect(process.poll() is None, "the window's process ended")
    return process, window


def _visible(display: str) -> str:
    command = ["xdotool", "search", "--onlyvisible", "--name", "^Cove|Cove$"]
    found = subprocess.run(command, env=_environment(display), capture_output=True, text=True)
    return (found.stdout.split() or [""])[0]


def _answers(root: Root) -> int:
    """How many answers have words. Not which: the window samples as the model's makers advise, and one this
    small may then ramble for minutes, so nothing waits for an answer's end either."""
    try:
        (chat,) = json.loads(root.as_user("cove", "export", "--all", "--json", **HOME))
    except (CheckError, ValueError):
        return 0  # nothing to export yet
    answers = [message for message in chat["messages"] if message.get("role") == "assistant"]
    return sum(bool(answer.get("content")) for answer in answers)


def _is_ready(root: Root, pid: int) -> bool:
    engines = processes(root, **HOME)["engines"]
    return any(engine["pid"] == pid and engine["state"] == "ready" for engine in engines)


def _press(display: str, window: str, *action: str) -> None:
    environment = _environment(display)
    subprocess.run(["xdotool", "windowfocus", "--sync", window], env=environment, check=True)
    subprocess.run(["xdotool", *action], env=environment, check=True)


def _close(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=60)


def _environment(display: str) -> dict[str, str]:
    return {**os.environ, "DISPLAY": display}
