"""Ids, titles, and what a person may call a model."""

from __future__ import annotations

from pathlib import PurePath

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.model import Model, ModelSource
from app.models.naming import matches, new_id, slug, title


def model(name: str, quant: str = "Q4_0", repo: str = "", model_id: str = "") -> Model:
    source = ModelSource(repo=repo) if repo else None
    made = Model(id=model_id, name=name, path=f"/m/{name}.gguf", size_bytes=1, quant=quant, source=source)
    return made if model_id else msgspec.structs.replace(made, id=new_id(made, ()))


@pytest.mark.parametrize(
    ("path", "repo", "said", "expected"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "", "Smollm2 135M 8k Lc100K Mix1 Ep2", "SmolLM2-135M-Instruct"),
        ("Qwen_Qwen3-8B-Q4_K_M.gguf", "bartowski/Qwen3-8B-GGUF", "Qwen3", "Qwen3-8B"),
        ("model.gguf", "", "Falcon", "Falcon"),
        ("ggml-model-q4_0.gguf", "", "", "ggml-model"),
        ("x-q4_0.gguf", "me/GGUF", "", "x"),
    ],
)
def test_a_model_is_called_what_people_asked_for(path: str, repo: str, said: str, expected: str):
    source = ModelSource(repo=repo) if repo else None
    assert title(PurePath("/m", path), source, said) == expected


def test_ids_are_unique():
    taken: list[str] = []
    for repo in ("a/Qwen3-8B-GGUF", "b/Qwen3-8B-GGUF", "b/Qwen3-8B-gguf", ""):
        taken.append(new_id(model("Qwen3-8B", repo=repo), taken))
    assert taken == ["qwen3-8b:q4_0", "qwen3-8b-b:q4_0", "qwen3-8b-b-2:q4_0", "qwen3-8b-2:q4_0"]
    assert new_id(model("Qwen3-8B", quant=""), taken) == "qwen3-8b:gguf"


@given(st.text(max_size=30), st.lists(st.text("ab:q-2", max_size=8)))
def test_an_id_is_never_taken(name: str, taken: list[str]):
    made = new_id(msgspec.structs.replace(model("x"), name=name), taken)
    assert made not in taken
    assert slug(made.partition(":")[0]) == made.partition(":")[0]


KNOWN = (
    model("Qwen3-8B", "Q4_K_M", "unsloth/Qwen3-8B-GGUF"),
    model("Qwen3-8B", "Q8_0", "unsloth/Qwen3-8B-GGUF"),
    model("Qwen3-8B-Base", "Q4_0", "me/Qwen3-8B-Base"),
    model("Phi", "Q4_0"),
)


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("unsloth/qwen3-8b-gguf:q8_0", ["qwen3-8b:q8_0"]),
        ("unsloth/Qwen3-8B-GGUF", ["qwen3-8b:q4_k_m", "qwen3-8b:q8_0"]),
        ("unsloth/Qwen3-8B-GGUF:Q2_K", []),
        ("qwen3-8b", ["qwen3-8b:q4_k_m", "qwen3-8b:q8_0"]),  # not the longer name too
        ("Qwen3-8B-Base", ["qwen3-8b-base:q4_0"]),
        ("qwen3-8b:q8", ["qwen3-8b:q8_0"]),
        ("phi", ["phi:q4_0"]),
        ("PH", ["phi:q4_0"]),
        ("", []),
        ("nope", []),
    ],
)
def test_short_forms_are_understood(reference: str, found: list[str]):
    assert [entry.id for entry in matches(reference, KNOWN)] == found
