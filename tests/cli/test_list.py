from __future__ import annotations

from app.cli.list import remark
from app.domain.model import Model

STARTER = "smollm2-135m-instruct:q4_1"


def test_the_starter_is_there_and_labelled_for_what_it_is(cli):
    result = cli("list")
    assert result.code == 0
    head, line = result.out.splitlines()
    assert head.split() == ["MODEL", "SIZE", "PARAMETERS", "CONTEXT"]
    assert line.startswith(STARTER)
    assert "98.4 MB" in line
    assert line.endswith("small, English, only to try the app")


def test_as_json(cli):
    (model,) = cli("list", "--json").json
    assert (model["id"], model["is_starter"]) == (STARTER, True)


def test_what_to_know_before_choosing():
    model = Model(id="m", name="m", path="/m", size_bytes=1)
    assert remark(model) == "base model, no chat template"
    assert remark(Model(id="m", name="m", path="/m", size_bytes=1, has_template=True)) == ""
    assert remark(Model(id="m", name="m", path="/m", size_bytes=1, is_missing=True)) == "its file is missing"
