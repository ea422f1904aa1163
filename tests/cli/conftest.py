"""The command line in this process, over a host in this process with the scripted engine."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass

import pytest

from app.cli import verb
from app.cli.main import main
from app.client.client import Client
from app.domain.notice import NoticeCode
from app.errors import KnownError
from tests.fakes.hosts import TwinHost, identity


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Terminal(io.StringIO):
    def isatty(self):
        return True


class CommandLine:
    """`cli("list", "--json")` runs a verb. Until something starts it, no host runs."""

    def __init__(self, home, monkeypatch, capsys):
        self.host = None
        self._home = home
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setattr(verb, "open_client", self._open_client)
        self.stdin("", is_pipe=False)

    def __call__(self, *argv, terminal=False) -> Result:
        self._capsys.readouterr()
        seen = Terminal()
        with pytest.MonkeyPatch.context() as patch:
            if terminal:
                patch.setattr("sys.stderr", seen)
            code = main(list(argv))
        out, err = self._capsys.readouterr()
        return Result(code, out, seen.getvalue() if terminal else err)

    def stdin(self, text, *, is_pipe=True):
        """Gives the next runs a pipe with text, or something that is neither pipe nor terminal."""
        stream = io.StringIO(text)
        if is_pipe:
            reader, writer = os.pipe()
            os.write(writer, text.encode())
            os.close(writer)
            stream = os.fdopen(reader, encoding="utf-8")
        self._monkeypatch.setattr("sys.stdin", stream)
        return stream

    def types(self, *lines):
        """Puts a person at a terminal, who types these lines and then Ctrl-D; an exception is raised."""
        self._monkeypatch.setattr("sys.stdin", Terminal())
        typed = iter(lines)

        def answer(prompt):
            line = next(typed, EOFError())
            if isinstance(line, BaseException):
                raise line
            return line

        self._monkeypatch.setattr("builtins.input", answer)

    def start(self):
        self.host = self.host or TwinHost(self._home)
        return self.host

    def _open_client(self, paths, *, listener=None, may_start=True):
        if may_start:
            self.start()
        if self.host is None:
            return Client(_nobody, identity(), listener=listener).start()
        return self.host.client(listener)


def _nobody(**_options):
    raise KnownError.of(NoticeCode.HOST_NOT_RUNNING)


@pytest.fixture
def cli(home, monkeypatch, capsys):
    line = CommandLine(home, monkeypatch, capsys)
    yield line
    if line.host is not None:
        line.host.close()
