"""The cache of a real context, with four sequences on a tiny model."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from app.engine.worker.batch import Part
from app.engine.worker.memory import State
from tests.engine.worker.schedulerrig import SchedulerRig
from tests.fakes.tiny_models import tiny_model

pytestmark = pytest.mark.llama
TOKENS = list(range(100, 140))


@pytest.fixture(params=["llama", "gemma3", "mamba2", "lfm2"])
def rig(request, library):
    rig = SchedulerRig(library, tiny_model(request.param, weights="F32"), context_tokens=256, slots=4)
    yield rig
    rig.close()


def logits_after(rig: SchedulerRig, sequence: int, tokens: list[int], position: int = 0) -> bytes:
    assert rig.context.decode([Part(sequence, tokens, position)]) == 0
    return rig.context.logits()


def test_sequences_do_not_see_each_other(rig):
    memory = rig.context.memory
    expected = logits_after(rig, 0, TOKENS)
    memory.clear(0)
    logits_after(rig, 1, [7, 8, 9])
    memory.clear(1)
    assert logits_after(rig, 2, TOKENS) == expected
    assert [memory.last_position(sequence) for sequence in range(4)] == [-1, -1, 39, -1]


def test_a_copy_goes_on_as_the_original(rig):
    memory = rig.context.memory
    logits_after(rig, 0, TOKENS)
    state = memory.save(0)
    assert state is not None
    expected = logits_after(rig, 0, [7], 40)
    memory.clear(0)
    assert memory.last_position(0) == -1
    assert memory.restore(3, state)
    assert memory.last_position(3) == 39
    assert logits_after(rig, 3, [7], 40) == expected


def test_a_copy_that_is_cut_is_refused(rig, expect_log):
    expect_log("error loading state")
    memory = rig.context.memory
    logits_after(rig, 0, TOKENS)
    state = memory.save(0)
    memory.clear(0)
    half = (ctypes.c_uint8 * (state.size // 2)).from_buffer_copy(bytes(state.data)[: state.size // 2])
    assert not memory.restore(0, State(half))
    memory.clear(0)
    assert memory.restore(0, state)


def test_nothing_has_no_copy_of_its_end(rig):
    memory = rig.context.memory
    state = memory.save(0)
    assert state is None or memory.restore(1, state)
    assert memory.last_position(1) == -1


def test_a_beginning_is_shared_without_a_copy(library):
    rig = SchedulerRig(library, tiny_model("llama", weights="F32"), context_tokens=256, slots=4)
    memory = rig.context.memory
    expected = logits_after(rig, 0, TOKENS)
    memory.share(0, 1, 39)
    assert memory.last_position(1) == 38
    memory.clear(0)
    shared = np.frombuffer(logits_after(rig, 1, TOKENS[39:], 39), dtype=np.float32)
    assert np.abs(shared - np.frombuffer(expected, dtype=np.float32)).max() < 0.1
    rig.close()


def test_without_memory_for_it_there_is_no_copy(library, monkeypatch):
    rig = SchedulerRig(library, tiny_model("llama"), context_tokens=256)
    logits_after(rig, 0, TOKENS)
    monkeypatch.setattr(library.api, "llama_state_seq_get_size_ext", lambda *_: 1 << 62)
    assert rig.context.memory.save(0) is None
    rig.close()
