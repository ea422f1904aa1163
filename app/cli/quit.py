"""`cove quit`: ends the host, and returns when it is gone. Starts nothing."""

from __future__ import annotations

import time

import psutil

from app.cli.ps import processes
from app.cli.verb import DONE, Options, Subparsers, Work, add_verb
from app.client.protocol import Quit
from app.domain.notice import Action, NoticeCode
from app.errors import KnownError

LIMIT_S = 30.0
_POLL_S = 0.02


def add(verbs: Subparsers) -> None:
    add_verb(verbs, "quit", "end the background host; answers in progress are kept", run)


def run(options: Options, work: Work) -> int:
    found = processes(work)
    if found is not None:
        with work.client(may_start=False) as client:
            client.call(Quit())
        wait_for_end(found.host_pid)
    if options.json:
        work.console.json({"host": None if found is None else {"pid": found.host_pid}})
    else:
        work.console.line("Nothing was running." if found is None else "The background host has ended.")
    return DONE


def wait_for_end(pid: int, limit_s: float = LIMIT_S) -> None:
    """Returns when a process is gone; raises KnownError when it stays."""
    deadline = time.monotonic() + limit_s
    while _is_alive(pid):
        if time.monotonic() > deadline:
            detail = f"process {pid} is still there after {limit_s:g} s"
            raise KnownError.of(NoticeCode.HOST_UNREACHABLE, Action.OPEN_LOG, detail=detail)
        time.sleep(_POLL_S)


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
