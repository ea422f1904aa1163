"""Files that the validator lets through do not end an engine child: they load and answer, or are refused.

A child that dies here is a rule that is missing in app/models/rules. Print the mutation, write the rule, and
name a test after what happened.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.engine.wire import Loaded
from app.errors import KnownError
from app.models.validate import validate
from tests.engine.worker.childclient import GREEDY, ChildClient
from tests.engine.worker.conftest import THREADS
from tests.fakes.gguf_draft import read_draft
from tests.fakes.gguf_mutants import mutant
from tests.fakes.tiny_models import ARCHITECTURES, tiny_model

PASSED = 500
SLOW_TO_TOKENIZE = "template"  # what its mutants do is for the template helper's own tests


class Subject:
    """A child that is given one file after the other, as long as it lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: ChildClient | None = None
        self.loaded = self.deaths = 0

    def try_(self, path: Path, *, reference: bool) -> bool:
        """Loads and asks; returns whether the child is still there."""
        child = self._child = self._child or self._started()
        try:
            outcome = child.load(
                path, threads=THREADS, reference=reference, context_tokens=256, slots=1 if reference else 2
            )
            if isinstance(outcome, Loaded):
                self.loaded += 1
                child.ask("Hello there, tell me a story. 🍜", sampling=GREEDY)
        except AssertionError:  # it ended, or said nothing for a minute
            self.close()
            self.deaths += 1
            return False
        return True

    def close(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def _started(self) -> ChildClient:
        child = ChildClient(self._folder / f"engine-{self.deaths}.log")
        child.hello()
        return child


@pytest.fixture
def subject(tmp_path: Path):
    subject = Subject(tmp_path)
    yield subject
    subject.close()


@pytest.mark.slow
@pytest.mark.llama
def test_none_of_five_hundred_mutants_that_pass_ends_the_child(tmp_path: Path, subject: Subject):
    names = list(ARCHITECTURES)
    drafts = [read_draft(tiny_model(name, layers=2, trained=512, vocabulary=512)) for name in names]
    chance = random.Random(11)
    passed, deadly = 0, []
    while passed < PASSED:
        draft, what = mutant(drafts[passed % len(drafts)], chance)
        path = tmp_path / "m.gguf"
        path.write_bytes(draft.whole())
        if SLOW_TO_TOKENIZE in what or not passes(path):
            continue
        passed += 1
        if not subject.try_(path, reference=passed % 2 == 0):
            deadly.append((names[(passed - 1) % len(names)], what))
    assert deadly == []
    assert subject.loaded > PASSED // 4  # most of the rest llama.cpp refuses by itself


def passes(path: Path) -> bool:
    try:
        validate([path])
    except KnownError:
        return False
    return True
