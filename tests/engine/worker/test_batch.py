from __future__ import annotations

import pytest

from app.engine.worker.batch import Batch, Part

pytestmark = pytest.mark.llama
SIZE = 16


@pytest.fixture
def batch(library):
    batch = Batch(library.api, SIZE)
    yield batch
    batch.close()


def rows(batch: Batch) -> list[tuple[int, int, int, int]]:
    """Returns token, position, sequence and whether logits are wanted, of every row."""
    native = batch.native
    assert all(native.n_seq_id[row] == 1 for row in range(SIZE))
    return [
        (native.token[row], native.pos[row], native.seq_id[row][0], native.logits[row])
        for row in range(native.n_tokens)
    ]


def test_a_token_a_sequence(batch):
    assert batch.fill([Part(0, [7], 10), Part(2, [8], 3)]) == 2
    assert rows(batch) == [(7, 10, 0, 1), (8, 3, 2, 1)]


def test_only_the_last_row_of_a_prompt_has_logits(batch):
    batch.fill([Part(1, [5], 9), Part(3, [6, 7, 8], 20)])
    assert rows(batch) == [(5, 9, 1, 1), (6, 20, 3, 0), (7, 21, 3, 0), (8, 22, 3, 1)]
    batch.fill([Part(3, [6, 7, 8], 20, wants_logits=False)])
    assert rows(batch) == [(6, 20, 3, 0), (7, 21, 3, 0), (8, 22, 3, 0)]


def test_nothing_of_the_last_time_is_left(batch):
    batch.fill([Part(2, list(range(SIZE)), 0)])
    batch.fill([Part(1, [9], 4), Part(0, [1, 2], 0, wants_logits=False), Part(1, [3], 5)])
    assert rows(batch) == [(9, 4, 1, 1), (1, 0, 0, 0), (2, 1, 0, 0), (3, 5, 1, 1)]
