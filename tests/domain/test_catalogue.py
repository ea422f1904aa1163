"""What a model in the catalogue is called."""

from __future__ import annotations

from app.domain.catalogue import CatalogueModel, CatalogueShape, GoodAt, Reasoning
from app.domain.value import from_json, to_json

SHAPE = CatalogueShape(
    parameters=8_000_000_000,
    active_parameters=8_000_000_000,
    layers=32,
    kv_heads=8,
    head_size=128,
    context_tokens=131_072,
)
MODEL = CatalogueModel(
    repo="unsloth/Some-8B-GGUF",
    family="some",
    maker="Some",
    good_at=(GoodAt.CHAT,),
    languages=("en",),
    licence="MIT",
    reasoning=Reasoning.NEVER,
    shape=SHAPE,
    sizes={"Q4_K_M": 5_000_000_000},
)


def test_a_model_is_called_as_its_repo_without_the_format():
    assert (MODEL.name, MODEL.publisher) == ("Some-8B", "unsloth")


def test_it_survives_its_json():
    assert from_json(to_json(MODEL), CatalogueModel) == MODEL
