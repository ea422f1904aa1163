"""Whatever was edited, regenerated or continued: with reuse the logits are those of a cold start.

Bit for bit, as far as steps are of sizes that give the same bits (`exactness`), on a model with plain
attention and on one with a sliding window of 512 tokens, across that window.
"""

from __future__ import annotations

import random

import pytest

from tests.engine.worker.workbench import Workbench

pytestmark = pytest.mark.llama
STEP = 32


@pytest.fixture(params=["smol", "gemma"])
def benches(request, library):
    model = request.getfixturevalue(request.param)
    warm, cold = Workbench(library, model), Workbench(library, model)
    yield warm, cold
    warm.close()
    cold.close()


def check(warm: Workbench, cold: Workbench, tokens: list[int], step: int = STEP) -> int:
    """Evaluates both ways and compares; returns how many tokens were reused."""
    kept = warm.evaluate(tokens, step)
    cold.slot.forget()
    cold.evaluate(tokens, step)
    assert warm.context.logits() == cold.context.logits()
    return kept


def test_edits_within_a_chat(benches):
    warm, cold = benches
    draw, step = random.Random(3), 16
    size = warm.desk.model.vocabulary.size

    def fresh(steps: int) -> list[int]:
        return [draw.randrange(size // 10, size // 2) for _ in range(steps * step)]

    tokens = fresh(3)
    assert check(warm, cold, tokens, step) == 0
    tokens = [*tokens, *fresh(2)]  # the next turn
    assert check(warm, cold, tokens, step) == 3 * step
    tokens = [*tokens[: 4 * step], *fresh(1)]  # regenerate
    assert check(warm, cold, tokens, step) == 4 * step
    tokens = [*tokens[: 1 * step], *fresh(2)]  # edit an early message
    assert check(warm, cold, tokens, step) == step
    assert check(warm, cold, fresh(1), step) == 0  # another chat


@pytest.mark.slow  # the end-to-end test has ten turns of it too
def test_across_the_window(gemma, library):
    warm, cold = Workbench(library, gemma), Workbench(library, gemma)
    draw = random.Random(5)

    def fresh(steps: int) -> list[int]:
        return [draw.randrange(1000, 20000) for _ in range(steps * STEP)]

    tokens = fresh(17)
    warm.evaluate(tokens, STEP)
    tokens = [*tokens[: -2 * STEP], *fresh(1)]  # an edit whose window is still there
    assert warm.evaluate(tokens, STEP) == 15 * STEP
    for _turn in range(10):
        tokens = [*tokens, *fresh(1)]
        assert warm.evaluate(tokens, STEP) == len(tokens) - STEP
    assert warm.memory.first_position(0) > 0  # the beginning has left the window
    cold.evaluate(tokens, STEP)
    assert warm.context.logits() == cold.context.logits()
    # Near enough, too: but now cells lie in another order than after a cold start, and so do the sums.
    assert warm.evaluate([*tokens[: -3 * STEP], *fresh(1)], STEP) == len(tokens) - 3 * STEP
    early = [*tokens[: 4 * STEP], *fresh(1)]  # too far back: nothing can be kept
    assert check(warm, cold, early) == 0
    warm.close()
    cold.close()
