"""The catalogue: what comes with Cove is sound, and what is not is refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.catalogue import GoodAt, Reasoning
from app.domain.generation import Sampling
from app.errors import BugError
from app.models.catalogue import Catalogue, catalogue, read, usual_quant
from app.models.quant import PREFERENCE

FAMILY = """
checked = 2026-05-05
[families.some]
maker = "Some"
names = ["some"]
sampling = { temperature = 0.5 }
"""
MODEL = """
[[models]]
repo = "owner/Some-7B-GGUF"
family = "some"
good_at = ["chat"]
languages = ["en", "vi"]
licence = "MIT"
reasoning = "never"
[models.shape]
parameters = 7_000_000_000
layers = 28
kv_heads = 4
head_size = 128
context_tokens = 8192
[models.sizes]
Q4_K_M = 4_000_000_000
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Catalogue:
        path = tmp_path / "catalogue.toml"
        path.write_text(text)
        return read(path)

    return write


def test_every_entry_of_ours_is_sound():
    ours = catalogue()
    assert len(ours.models) >= 20
    assert {model.maker for model in ours.models} >= {"DeepSeek", "Qwen", "Google", "Meta", "OpenAI"}
    assert ours.models[0].maker == "DeepSeek"
    assert sum(GoodAt.VIETNAMESE in model.good_at for model in ours.models) >= 2
    assert all("vi" in model.languages for model in ours.models if GoodAt.VIETNAMESE in model.good_at)


def test_the_usual_quant_of_each_is_one_that_a_pull_would_take():
    for model in catalogue().models:
        quant = usual_quant(model)
        assert quant.removeprefix("UD-") in PREFERENCE or len(model.sizes) == 1 or quant in PREFERENCE


def test_an_entry_is_read_with_what_its_family_says(written):
    (model,) = written(FAMILY + MODEL).models
    assert (model.name, model.publisher, model.maker) == ("Some-7B", "owner", "Some")
    assert (model.reasoning, model.good_at) == (Reasoning.NEVER, (GoodAt.CHAT,))
    assert model.sampling == Sampling(temperature=0.5)
    assert model.shape.active_parameters == model.shape.parameters  # not a mixture of experts
    assert not model.is_gated


def test_the_longest_name_decides_a_family(written):
    more = '[families.some-more]\nmaker = "More"\nnames = ["some-more"]\n'
    found = written(FAMILY + more + MODEL)
    assert [found.family_of(name) for name in ("Some_More 3B", "SOME-7B", "none")] == [
        found.families["some-more"],
        found.families["some"],
        None,
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("owner/Some-7B-GGUF", "Some-7B", "repo must be OWNER/REPO"),
        ('family = "some"', 'family = "other"', "there is no family 'other'"),
        ('["chat"]', "[]", "good_at must name things"),
        ('["chat"]', '["chat", "chat"]', "good_at must name things, each once"),
        ('["chat"]', '["cooking"]', "Invalid enum value 'cooking'"),
        ('["en", "vi"]', '["English"]', "languages are codes"),
        ('licence = "MIT"', 'licence = " "', "licence is empty"),
        ('licence = "MIT"', "", "missing required field `licence`"),
        ('licence = "MIT"', 'licence = "MIT"\nlisence = "MIT"', "unknown field `lisence`"),
        ("Q4_K_M = 4_000_000_000", "", "sizes are empty"),
        ("Q4_K_M = 4_000_000_000", "q4_k_m = 4_000_000_000", "q4_k_m is spelled Q4_K_M"),
        ("Q4_K_M = 4_000_000_000", "Q4_K_M = 4_000_000", "Q4_K_M is 0.00 bits for each parameter"),
        ("Q4_K_M = 4_000_000_000", "Q4_K_M = 400_000_000_000", "457.14 bits for each parameter"),
        ("Q4_K_M = 4_000_000_000", 'Q4_K_M = "4 GB"', "Expected `int`, got `str`"),
        ("parameters = 7_000_000_000", "parameters = 0", "shape.parameters must be more than 0"),
        ("layers = 28", "layers = 28\nactive_parameters = 8_000_000_000", "active_parameters are more"),
        ("layers = 28", "layers = 0", "shape.layers must be 1 to"),
        ("kv_heads = 4", "kv_heads = -4", "shape.kv_heads must be 1 to"),
        ("head_size = 128", "head_size = 4096", "shape.head_size must be 1 to"),
        ("context_tokens = 8192", "context_tokens = 8", "shape.context_tokens must be 512 or more"),
        ("temperature = 0.5", "temperature = -1", "families.some: sampling: temperature"),
        ("temperature = 0.5", "temprature = 0.5", "families.some: there is no sampler 'temprature'"),
        ('names = ["some"]', "names = []", "families.some: names must be some"),
        ('names = ["some"]', 'names = ["Some"]', "families.some: names must be in lower case"),
        ('maker = "Some"', 'maker = ""', "families.some: maker is empty"),
        ("checked = 2026-05-05", 'checked = "lately"', "Invalid RFC3339"),
        ("checked = 2026-05-05", "checked = ", "Invalid value"),
        ("[families.some]", "[families.Some]", "there is no family 'some'"),
    ],
)
def test_what_is_wrong_is_named(written, old: str, new: str, said: str):
    text = FAMILY + MODEL
    assert old in text
    with pytest.raises(BugError) as caught:
        written(text.replace(old, new))
    detail = str(caught.value.notice.facts["detail"])
    assert said in detail
    assert "catalogue.toml" in detail


def test_all_that_is_wrong_is_named_at_once(written):
    with pytest.raises(BugError) as caught:
        written(FAMILY + MODEL.replace("layers = 28", "layers = 0").replace('"MIT"', '""') + MODEL)
    detail = str(caught.value.notice.facts["detail"])
    assert "models[0] (owner/Some-7B-GGUF): licence is empty" in detail
    assert "shape.layers" in detail
    assert "owner/some-7b-gguf is there twice" in detail


def test_a_catalogue_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(BugError):
        read(tmp_path / "none.toml")
