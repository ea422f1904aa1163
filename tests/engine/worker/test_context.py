from __future__ import annotations

import threading

import pytest

from app.domain.notice import NoticeCode
from app.engine.worker import context as contexts
from app.engine.worker.batch import Part
from app.engine.worker.context import ABORTED, DECODED, NO_ROOM, REFERENCE_TOKENS, Context
from app.engine.worker.control import Control
from app.engine.worker.stepclock import StepClock
from app.errors import KnownError
from tests.engine.worker.conftest import plan_of
from tests.engine.worker.workbench import Workbench
from tests.realmodels import smollm2

pytestmark = pytest.mark.llama


@pytest.fixture
def bench(library, smol):
    bench = Workbench(library, smol)
    yield bench
    bench.close()


def make(library, model, **fields: object) -> Context:
    plan = plan_of(smollm2(), **fields)
    before, model.plan = model.plan, plan
    try:
        return Context(library, model, StepClock(), Control().abort_flag)
    finally:
        model.plan = before


def test_steps_in_reference_mode_are_small(bench):
    assert bench.context.step_tokens == REFERENCE_TOKENS
    assert bench.context.tokens == 4096


def test_a_context_is_never_longer_than_the_model_was_trained_for(library, smol):
    for wanted in (100_000, 0):
        context = make(library, smol, context_tokens=wanted, batch_tokens=64)
        assert context.tokens == smol.trained_tokens == 8192
        assert context.step_tokens == 64
        context.close()


def test_positions_are_explicit(bench):
    assert bench.decode([5, 6, 7], 0) == DECODED
    assert bench.decode([8], 3) == DECODED
    assert (bench.memory.first_position(0), bench.memory.last_position(0)) == (0, 3)
    assert bench.memory.cut(0, 2)
    assert bench.memory.last_position(0) == 1
    bench.memory.clear(0)
    assert bench.memory.last_position(0) == -1


def test_one_row_or_many_give_the_same_logits(bench):
    bench.decode([5, 6, 7], 0)
    together = bench.context.logits()
    bench.memory.clear(0)
    for position, token in enumerate([5, 6, 7]):
        bench.decode([token], position)
    assert bench.context.logits() == together


def test_a_full_context_is_told(library, smol, expect_log):
    expect_log("failed to find a memory slot", maybe=True)
    context = make(library, smol, context_tokens=256, batch_tokens=256)
    assert context.decode([Part(0, [5] * 256, 0)]) == DECODED
    assert context.decode([Part(0, [5], 256)]) == NO_ROOM
    context.close()


def test_the_flag_ends_a_step_in_its_middle(bench):
    bench.evaluate([5] * 20)
    bench.control.close()  # raises the flag for good
    assert bench.decode([6] * 32, 20) == ABORTED
    bench.slot.recover()
    assert len(bench.slot.tokens) == 20
    assert bench.memory.last_position(0) == 19


def test_a_step_is_counted_and_timed_while_it_runs(bench):
    seen: list[tuple[int, float]] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append(bench.clock.running())

    watcher = threading.Thread(target=watch)
    watcher.start()
    bench.decode([5] * 32, 0)
    stop.set()
    watcher.join()
    assert bench.clock.steps == 1
    assert 32 in {tokens for tokens, _ in seen}


def test_an_unknown_cache_type_is_refused(library, smol):
    with pytest.raises(KnownError) as caught:
        make(library, smol, kv_type="q9")
    assert caught.value.notice.code is NoticeCode.BAD_REQUEST


def test_a_small_cache_type_is_taken(library, smol):
    context = make(library, smol, kv_type="q8_0", context_tokens=512)
    assert context.decode([Part(0, [5, 6], 0)]) == DECODED
    context.close()


def test_a_context_that_cannot_be_made_is_told(library, smol, monkeypatch):
    monkeypatch.setattr(library.api, "llama_init_from_model", lambda *_: None)
    with pytest.raises(KnownError) as caught:
        make(library, smol)
    assert caught.value.notice.code is NoticeCode.MODEL_LOAD_FAILED


def test_a_model_that_does_not_continue_texts_is_refused(library, smol, monkeypatch):
    monkeypatch.setattr(library.api, "llama_get_memory", lambda _context: None)
    with pytest.raises(KnownError) as caught:
        make(library, smol)
    assert caught.value.notice.code is NoticeCode.MODEL_UNSUPPORTED


def test_a_device_that_fails_is_told(library, bench, monkeypatch):
    monkeypatch.setattr(bench.context._api, "llama_decode", lambda *_: -3)
    with pytest.raises(KnownError) as caught:
        bench.decode([5], 0)
    assert caught.value.notice.code is NoticeCode.ENGINE_DRIVER_FAILED
    assert caught.value.notice.facts == {"detail": "llama_decode returned -3"}
    library.log.receive(2, b"ggml_vulkan: Device memory allocation of size 9 failed\n")
    with pytest.raises(KnownError) as caught:
        bench.decode([5], 0)
    assert caught.value.notice.code is NoticeCode.ENGINE_OUT_OF_GPU_MEMORY
    library.log.forget()


def test_threads_follow_the_governors_unless_a_number_was_asked_for(library, smol, monkeypatch):
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(contexts, "compute_threads", lambda wanted: wanted or 4)
    free = make(library, smol, threads=0)
    monkeypatch.setattr(library.api, "llama_set_n_threads", lambda _context, *now: set_to.append(now))
    assert free._crew is not None
    for seconds in (1.0, 9.0, 9.0, 9.0):
        free._crew.note(1, 0, seconds)
    for seconds in (1.0, 9.0, 9.0):
        free._crew.note(64, 64, seconds * 64)
    assert set_to == [(2, 4), (2, 2)]
    free.close()
    fixed = make(library, smol, threads=1)
    assert fixed._crew is None
    fixed.close()


def test_layers_on_a_gpu_are_not_abortable(library, smol, monkeypatch):
    on_processor = make(library, smol)
    monkeypatch.setattr(smol, "gpu_layers", 31)
    on_gpu = make(library, smol)
    assert (on_processor.is_abortable, on_gpu.is_abortable) == (True, False)
    on_processor.close()
    on_gpu.close()
