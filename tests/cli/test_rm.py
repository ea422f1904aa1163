from __future__ import annotations

from app.cli.rm import is_named_in_full
from app.domain.model import Model, ModelSource
from tests.cli.test_list import STARTER
from tests.fakes.gguf_file import gguf_bytes


def test_a_model_known_by_its_path_is_forgotten_and_its_file_stays(cli, tmp_path):
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(gguf_bytes())
    model_id = cli("show", str(mine), "--json").json["id"]
    assert cli("rm", model_id).out == f"Removed {model_id}.\n"
    assert mine.exists()
    assert [model["id"] for model in cli("list", "--json").json] == [STARTER]


def test_the_starter_stays(cli):
    result = cli("rm", STARTER)
    assert result.code == 1
    assert "stays" in result.err


def test_the_start_of_an_id_is_not_enough_to_delete(cli):
    result = cli("rm", "smollm2", "--json")
    assert (result.code, result.out) == (1, "")
    assert f"Did you mean one of: {STARTER}?" in result.err


def test_what_names_a_model_in_full():
    source = ModelSource(repo="Owner/Name-GGUF")
    model = Model(id="name:q4", name="n", path="/x/n.gguf", size_bytes=1, quant="Q4", source=source)
    for name in ("name:q4", "NAME:Q4", "/x/n.gguf", "owner/name-gguf:q4"):
        assert is_named_in_full(model, name)
    for name in ("name", "owner/name-gguf", "/x/o.gguf"):
        assert not is_named_in_full(model, name)
