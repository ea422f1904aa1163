"""kill -9 at any moment: what was said to be kept is there."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from app.domain.chat import MessageStatus
from app.store import Store

# How many commits are seen before the kill: in the first turn, in chunks, after a checkpoint of the log.
MOMENTS = [1, 4, 23, 400]


def killed_writer(path: Path, run: int, lines: int) -> dict[str, str]:
    """Runs the writer, kills it after so many commits, and returns the last text it reported for each id."""
    argv = [sys.executable, "-m", "tests.store.writer", str(path), str(run)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    assert process.returncode == -9, "it was over before the kill"
    whole = (line for line in said if line.endswith("\n"))
    return dict(line.rstrip("\n").split(" ", 1) for line in whole)


def test_every_commit_survives_the_death_of_its_process(path: Path):
    reported: dict[str, str] = {}
    for run, lines in enumerate(MOMENTS):
        reported |= killed_writer(path, run, lines)
    with closing(Store.open(path)) as store:
        assert store.notices == ()
        assert store.check()
        interrupted = store.messages.recover()
        assert len(interrupted) <= 1
        for message_id, text in reported.items():
            kept = store.messages.get(message_id)
            assert kept is not None
            assert kept.status is not MessageStatus.STREAMING
            # A commit may have been made and not yet reported.
            assert kept.content.startswith(text.rstrip(" ")), message_id
        for run in range(len(MOMENTS)):
            chat = store.chats.get(f"chat-{run}")
            assert chat is not None
            assert chat.head_id is not None
            assert store.messages.get(chat.head_id) is not None
