from __future__ import annotations

from msgspec.structs import replace

from app.cli.show import _facts as facts_of
from app.domain.model import Model, Vetted
from tests.cli.test_list import STARTER


def test_a_model_by_the_start_of_its_id(cli):
    result = cli("show", "smollm2")
    assert result.code == 0
    facts = dict(line.split(maxsplit=1) for line in result.out.splitlines() if len(line.split()) == 2)
    assert facts["model"] == STARTER
    assert facts["architecture"] == "llama"
    assert "sha256" not in facts or facts["sha256"]


def test_as_json(cli):
    assert cli("show", STARTER, "--json").json["id"] == STARTER


def test_an_unknown_model_is_said(cli):
    result = cli("show", "nope")
    assert (result.code, result.out) == (1, "")
    assert "“nope”" in result.err


def test_what_was_validated_is_said():
    model = Model(id="m", name="m", path="m", size_bytes=1)
    assert dict(facts_of(model))["validated"] == "before its next load"
    vetted = Vetted(header="1", tensors="1")
    assert dict(facts_of(replace(model, vetted=vetted)))["validated"] == "header, weights"
