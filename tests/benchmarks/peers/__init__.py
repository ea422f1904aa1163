"""What the engine is compared with, each in a process of its own that keeps its model loaded.

So contenders can be measured in turn (A, B, A, B) in one run, and none weighs on another's memory. `bare`
is the least that makes tokens, `llama_cpp` the bindings' own `Llama`, `xllamacpp` llama.cpp's server as a
library.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from tests.architecture.sources import ROOT

Chat = list[dict[str, str]]
NAMES = ("bare", "llama_cpp", "xllamacpp")


def is_there(name: str) -> bool:
    """Whether what a peer needs is installed."""
    return name == "bare" or importlib.util.find_spec(name) is not None


class Peer:
    """One contender. Times are seconds from the call; `count` is how many tokens were made."""

    def __init__(self, name: str, model: Path, *, context: int, threads: int, slots: int = 1) -> None:
        job = {"model": str(model), "context": context, "threads": threads, "slots": slots}
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.peers", name, json.dumps(job)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._read()  # loaded

    def answer(self, chat: Chat, tokens: int) -> dict[str, Any]:
        """Makes one answer: `first` and `last` are when its first and last token came, `prompt_n` counts the
        prompt's tokens, `text` is the answer and `in_c` the processor time within C, where the peer tells."""
        return self._call(what="answer", chat=chat, tokens=tokens)

    def parallel(self, chats: list[Chat], tokens: int) -> dict[str, Any]:
        """Makes an answer to each at the same time: `seconds` until the last has ended, and `count`."""
        return self._call(what="parallel", chats=chats, tokens=tokens)

    @property
    def processes(self) -> list[psutil.Process]:
        return [psutil.Process(self._process.pid)]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def _call(self, **command: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended")
        reply: dict[str, Any] = json.loads(line)
        return reply
