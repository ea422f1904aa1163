"""Real models for the tests of the engine child, loaded once a session."""

from __future__ import annotations

import atexit
import functools
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.engine import LoadPlan
from app.engine.worker.bindings import Library
from app.engine.worker.model import Model, load_model
from tests.engine.worker.childclient import ChildClient
from tests.realmodels import gemma3, smollm2

# One thread: two that share two busy cores wait for each other twenty times longer than they compute.
THREADS = 1


def plan_of(path: Path, **fields: object) -> LoadPlan:
    fields = {"context_tokens": 4096, "threads": THREADS, **fields}
    return LoadPlan(model_id=path.stem, model_path=str(path), **fields)


@functools.cache
def _library() -> Library:
    """One a process: llama.cpp has one log, which goes to the library opened last."""
    library = Library()
    atexit.register(library.close)
    return library


@pytest.fixture(scope="session")
def library() -> Library:
    return _library()


@pytest.fixture(scope="session")
def smol(library: Library) -> Iterator[Model]:
    model = load_model(library, plan_of(smollm2(), reference=True), lambda _progress: None, lambda: False)
    yield model
    model.close()


@pytest.fixture(scope="session")
def gemma(library: Library) -> Iterator[Model]:
    # llama.cpp warns of a token in its vocabulary; which test needs it first is a matter of order.
    log = logging.getLogger("llama")
    log.disabled = True
    model = load_model(library, plan_of(gemma3(), reference=True), lambda _progress: None, lambda: False)
    log.disabled = False
    yield model
    model.close()


@pytest.fixture(scope="session")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildClient]:
    """A child with SmolLM2 in reference mode. Tests that load something else use one of their own."""
    client = ChildClient(tmp_path_factory.mktemp("child") / "engine.log")
    try:
        client.hello()
        client.loaded(smollm2(), threads=THREADS, reference=True)
        yield client
    finally:
        assert client.close() == 0


@pytest.fixture
def own_child(tmp_path: Path) -> Iterator[ChildClient]:
    """A child that has said hello and loaded nothing."""
    client = ChildClient(tmp_path / "engine.log")
    try:
        client.hello()
        yield client
    finally:
        client.close()
