"""In reference mode the same prompt gives the same bits, whatever was in the cache before."""

from __future__ import annotations

import random

import pytest

from app.engine.worker import exactness
from app.engine.worker.context import REFERENCE_TOKENS
from app.engine.worker.exactness import exact_step_tokens
from tests.engine.worker.workbench import Workbench

pytestmark = pytest.mark.llama


@pytest.fixture(params=["smol", "gemma"])
def benches(request, library):
    model = request.getfixturevalue(request.param)
    warm, cold = Workbench(library, model), Workbench(library, model)
    yield warm, cold
    warm.close()
    cold.close()


def test_a_step_of_that_size_gives_the_bits_of_single_tokens(benches):
    warm, cold = benches
    size = warm.desk.model.vocabulary.size
    step = exact_step_tokens(warm.context, size)
    assert step in {1, REFERENCE_TOKENS}
    assert warm.memory.last_position(0) == -1
    draw = random.Random(7)
    tokens = [draw.randrange(size // 10, size // 2) for _ in range(27)]
    cold.evaluate(tokens, 1)
    for cut in (9, 24):
        warm.evaluate([*tokens[:cut], 1], step)
        assert warm.evaluate(tokens, step) == cut
        assert warm.context.logits() == cold.context.logits()


def test_a_difference_means_single_tokens(benches, monkeypatch):
    draw = iter(range(100))
    monkeypatch.setattr(exactness, "_logits_after", lambda *_: bytes([next(draw)]))
    assert exact_step_tokens(benches[0].context, 1000) == 1
