from __future__ import annotations

import os

from app.cli.ps import _row
from app.domain.engine import EngineState, EngineStatus
from tests.cli.test_list import STARTER


def test_nothing_runs_and_nothing_is_started(cli, home):
    assert cli("ps").out == "Nothing is running.\n"
    assert cli("ps", "--json").json == {"host": None, "engines": []}
    assert not home.exists()


def test_a_host_without_a_model(cli):
    cli.start()
    assert cli("ps").out.splitlines()[1] == "No model is loaded."


def test_a_loaded_model(cli):
    cli("run", "smollm2", "hi")
    found = cli("ps", "--json").json
    assert found["host"]["pid"] == os.getpid()
    (engine,) = found["engines"]
    assert (engine["model"], engine["state"]) == (STARTER, "ready")
    assert "pid" in engine
    assert STARTER in cli("ps").out


def test_a_load_shows_how_far_it_is():
    status = EngineStatus(model_id="m", state=EngineState.LOADING, pid=7, progress=0.25)
    assert _row(status) == ("m", "loading 25%", "7", "", "", "0")
