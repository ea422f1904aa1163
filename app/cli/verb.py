"""What every verb has: its options, a client of the host, and a place to write."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from app.cli.console import Console
from app.client.client import Client, ClientListener
from app.client.connect import open_client
from app.client.protocol import Command, FindModel, ModelReply, Snapshot, Subscribe
from app.domain.model import Model
from app.paths import Paths

R = TypeVar("R")
Options = argparse.Namespace
Subparsers = Any  # argparse names its type only privately
Run = Callable[["Options", "Work"], int]

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
READ_LIMIT_S = 60.0  # the library may have to read the headers of a file on a slow disk


class VerbError(Exception):
    """A verb cannot do what it was asked; the message says why and what to do."""

    exit_code = FAILED


class UsageError(VerbError):
    """The command line makes no sense; the message says why."""

    exit_code = USAGE


class Work:
    """One run of the command line: where to write, and the home it is about."""

    def __init__(self, console: Console, paths: Paths) -> None:
        self.console = console
        self.paths = paths

    @contextmanager
    def client(self, listener: ClientListener | None = None, *, may_start: bool = True) -> Iterator[Client]:
        client = open_client(self.paths, listener=listener, may_start=may_start)
        try:
            yield client
        finally:
            client.close()


def add_verb(verbs: Subparsers, name: str, text: str, run: Run, *, with_json: bool = True) -> Any:
    """Adds a verb and returns its parser."""
    parser = verbs.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    # SUPPRESS: given before the verb, it must not be overwritten by this parser's default.
    parser.add_argument("--home", metavar="DIR", default=argparse.SUPPRESS, help="where all data is")
    if with_json:
        parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def ask(client: Client, command: Command, kind: type[R], timeout_s: float = 10.0) -> R:
    """Calls and returns the reply, which is of a known kind."""
    reply = client.call(command, timeout_s)
    assert isinstance(reply, kind)
    return reply


def snapshot(client: Client) -> Snapshot:
    return ask(client, Subscribe(), Snapshot)


def find_model(client: Client, reference: str) -> Model:
    """Returns the model that a person means: an id, the start of one, owner/repo:quant, or a GGUF's path."""
    return ask(client, FindModel(reference=spelled_out(reference)), ModelReply, READ_LIMIT_S).model


def spelled_out(reference: str) -> str:
    """Makes a path absolute, because the host works in another folder; leaves the rest alone."""
    path = Path(reference).expanduser()
    looks_like_path = path.suffix.lower() == ".gguf" or reference.startswith((".", "/", "~"))
    return str(path.absolute()) if looks_like_path or path.is_file() else reference
