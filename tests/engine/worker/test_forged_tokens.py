"""Spellings of control tokens in what people write never become control tokens: all of each vocabulary."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.domain.chat import Role
from app.engine.base import PromptMessage
from app.engine.worker.bindings import Library
from app.engine.worker.reasoning.marks import Marks
from app.engine.worker.reasoning.reader import splitter_for
from app.engine.worker.sandbox import render
from app.engine.worker.template import RenderJob
from app.engine.worker.textflow import TextFlow
from app.engine.worker.tokenize import Guard, Spellings, tokens_of
from app.engine.worker.vocabulary import Vocabulary
from tests.engine.worker.reasoning.outputs import CASES
from tests.fakes.tiny_models import tiny_model
from tests.llamasources import reference_vocabulary
from tests.realmodels import gemma3, smollm2

pytestmark = pytest.mark.llama
TEMPLATE = (
    "{% for m in messages %}{{ '\n' }}{{ m.content | trim }} of {{ m.role }}{{ bos_token }}{% endfor %}"
)
AT_ONCE = 64  # spellings in one message: alone, glued together, and cut in two
FAMOUS = ("gemma-4", "llama-bpe", "llama-spm", "phi-3", "qwen35", "command-r", "deepseek-llm")
# Whose tags are tokens of whose vocabulary.
SPEAKERS = {"gemma-4": "gemma", "qwen35": "think"}  # the second has them as text


@pytest.fixture(scope="module")
def opened(library: Library) -> Iterator[Any]:
    """Reads vocabularies only; closes them at the end."""
    pointers: list[int] = []

    def read(path: Path) -> Vocabulary:
        parameters = library.api.llama_model_default_params()
        parameters.vocab_only = True
        pointers.append(library.api.llama_model_load_from_file(os.fsencode(path), parameters))
        return Vocabulary(library.api, pointers[-1])

    yield read
    for pointer in pointers:
        library.api.llama_model_free(pointer)


def forged(vocabulary: Vocabulary, spellings: list[str]) -> list[int]:
    """Returns the control tokens in a prompt beyond those that the template wrote."""
    known = Spellings(vocabulary.control)
    halves = [part for word in spellings for part in (word[: len(word) // 2], word[len(word) // 2 :])]
    contents = (" ".join(spellings), "".join(spellings), *halves[:8], "".join(halves[::-1]))
    messages = [PromptMessage(role=Role.USER, content=content) for content in contents]
    guard = Guard(known)
    bos = vocabulary.text(vocabulary.bos)
    job = RenderJob(template=TEMPLATE, messages=guard.hide(messages), bos=bos)
    tokens = tokens_of(guard.restore(render(job).prompt), vocabulary, known)
    count = len(contents) * (bos in vocabulary.control) + vocabulary.adds_bos
    found = [token for token in tokens if token in vocabulary.control_ids]
    own = [vocabulary.bos] * count
    return found[len(own) :] if found[: len(own)] == own else found


def check(vocabulary: Vocabulary, every: int = 1) -> int:
    words = sorted(vocabulary.control)[::every]
    for start in range(0, len(words), AT_ONCE):
        assert forged(vocabulary, words[start : start + AT_ONCE]) == []
    return len(words)


@pytest.mark.parametrize("path", [smollm2, gemma3, tiny_model], ids=["smollm2", "gemma3", "tiny"])
def test_some_of_each(opened, path, expect_log) -> None:
    expect_log("", maybe=True)
    vocabulary = opened(path())
    assert check(vocabulary, every=max(1, len(vocabulary.control) // AT_ONCE)) > 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["smollm2", "gemma3", *FAMOUS])
def test_all_of_each(opened, name, expect_log) -> None:
    expect_log("", maybe=True)
    ours = {"smollm2": smollm2, "gemma3": gemma3}
    check(opened(ours[name]() if name in ours else reference_vocabulary(name)))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), SPEAKERS.items())
def test_real_tags_are_known_by_their_tokens(opened, name, case, expect_log) -> None:
    expect_log("", maybe=True)
    vocabulary = opened(reference_vocabulary(name))
    told = next(each for each in CASES if each.name == case)
    marks = Marks(vocabulary, (told.tags,))
    assert bool(marks.of_token) == (name == "gemma-4")
    flow = TextFlow((), splitter_for((told.tags,), marks), marks)
    for token in vocabulary.tokenize(told.output, parse_special=True):
        flow.feed(marks.of_token.get(token) or vocabulary.piece(token))
    flow.finish()
    assert flow.take() == (told.content, told.reasoning)
