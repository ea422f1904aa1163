from __future__ import annotations

import pytest

from app.cli import quit as quit_verb
from app.cli.quit import wait_for_end
from app.errors import KnownError


def test_nothing_to_end_and_nothing_is_started(cli, home):
    assert cli("quit").out == "Nothing was running.\n"
    assert cli("quit", "--json").json == {"host": None}
    assert not home.exists()


def test_the_host_is_asked_and_waited_for(cli, monkeypatch):
    waited = []
    monkeypatch.setattr(quit_verb, "wait_for_end", waited.append)
    twin = cli.start().twin
    assert cli("quit").out == "The background host has ended.\n"
    assert twin.host.leaving.is_set()
    assert len(waited) == 1


def test_a_host_that_stays_is_said():
    import os

    with pytest.raises(KnownError, match="host-unreachable"):
        wait_for_end(os.getpid(), 0.05)
    wait_for_end(2**22 + 1)  # no such process
