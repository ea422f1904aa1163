from __future__ import annotations

from tests.cli.test_list import STARTER


def test_nothing_to_stop_and_nothing_is_started(cli, home):
    assert cli("stop").out == "Nothing was loaded.\n"
    assert not home.exists()


def test_all_models(cli):
    cli("run", "smollm2", "hi")
    assert cli("stop").out == f"Unloaded {STARTER}.\n"
    assert cli("ps", "--json").json["engines"] == []


def test_one_model(cli):
    cli("run", "smollm2", "hi")
    assert cli("stop", "--json", "smollm2").json == {"stopped": [STARTER]}
    assert cli("stop", "smollm2").out == "Nothing was loaded.\n"


def test_an_unknown_model_is_said(cli):
    cli("run", "smollm2", "hi")
    assert cli("stop", "nope").code == 1
