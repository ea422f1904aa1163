from __future__ import annotations

import math

import pytest

from app.cli import sampling
from app.cli.main import make_parser
from app.cli.sampling import sampling_of
from app.domain.generation import LogitBias, Sampling, Trigger
from app.domain.samplers import KNOBS, ORDER

MODEL = "smollm2"


NOTHING = Sampling()


def said(*flags: str, base: Sampling = NOTHING) -> Sampling:
    return sampling_of(make_parser().parse_args(["run", "m", *flags]), base)


def test_what_is_said_comes_before_what_is_saved():
    base = Sampling(temperature=0.1, top_k=9)
    assert said("--top-k", "0", "--min-p", "0.5", base=base) == Sampling(temperature=0.1, top_k=0, min_p=0.5)


def test_nothing_said_chooses_nothing():
    assert said() == Sampling()


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_every_number_has_a_flag_and_a_range(knob, capsys):
    flag = f"--{knob.name.replace('_', '-')}"
    assert getattr(said(f"{flag}={knob.lowest:g}"), knob.name) == knob.lowest
    for beyond in (knob.lowest - 1, knob.highest * 2 + 1, math.nan, "x"):
        with pytest.raises(SystemExit):
            said(f"{flag}={beyond}")
    assert flag in capsys.readouterr().err


def test_biases_are_for_numbers_or_texts():
    found = said("--logit-bias", "198=-inf", "--logit-bias= sorry=-5", "--logit-bias", "a=b=1").logit_bias
    assert found == (
        LogitBias(token=198, bias=None),
        LogitBias(text=" sorry", bias=-5.0),
        LogitBias(text="a=b", bias=1.0),
    )
    for wrong in ("198", "=1", "198=inf", "198=nan", "198=x"):
        with pytest.raises(SystemExit):
            said("--logit-bias", wrong)


def test_texts_and_lists():
    found = said(
        "--stop", "\\n\\n", "--dry-breaker", "x", "--grammar-trigger", "<go>", "--grammar", "root ::= ."
    )
    assert found == Sampling(
        stop=("\n\n",), dry_breakers=("x",), grammar="root ::= .", grammar_triggers=(Trigger(word="<go>"),)
    )
    assert said("--samplers", "top-k;temperature").order == ("top_k", "temperature")


def test_an_order_names_samplers_once(cli):
    for wrong in ("top_k,top_q", "top_k,top_k"):
        result = cli("run", MODEL, "x", "--samplers", wrong)
        assert result.code == 2
        assert ", ".join(ORDER) in result.err


def test_a_grammar_from_a_file(cli, tmp_path):
    file = tmp_path / "yes.gbnf"
    file.write_text('root ::= "yes"')
    assert said("--grammar-file", str(file)).grammar == 'root ::= "yes"'
    missing = cli("run", MODEL, "x", "--grammar-file", str(tmp_path / "none"))
    assert (missing.code, "none cannot be read" in missing.err) == (2, True)
    assert cli("run", MODEL, "x", "--grammar-file", str(file), "--grammar", "root ::= .").code == 2


def test_json_says_what_an_answer_was_made_with(cli):
    used = cli("run", MODEL, "hi", "--json", "--top-k", "7", "--logit-bias", "5=-inf").json["sampling"]
    assert used["top_k"] == 7
    assert used["temperature"] == 0.0  # what suits the starter
    assert used["min_p"] == 0.05  # the usual
    assert used["logit_bias"] == [{"token": 5}]
    assert 0 <= used["seed"] < 2**32
    again = cli("run", MODEL, "hi", "--json").json["sampling"]
    assert again["seed"] != used["seed"]


def test_numbers_and_help_are_of_one_table():
    assert set(sampling._HELP) == {knob.name for knob in KNOBS}


def test_how_a_model_thinks():
    assert said("--thinking", "off") == Sampling(thinking=False)
    asked = said("--thinking", "on", "--effort", "high", "--reasoning-budget", "0")
    assert asked == Sampling(thinking=True, effort="high", reasoning_budget=0)
    for wrong in (("--thinking", "maybe"), ("--effort", "huge"), ("--reasoning-budget", "-1")):
        with pytest.raises(SystemExit):
            said(*wrong)
