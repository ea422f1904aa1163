"""The engine thread in this process: frames in, frames out, on a real model and a real template helper."""

from __future__ import annotations

import pytest

from app.domain.generation import Phase, StopReason
from app.domain.notice import NoticeCode
from app.engine.base import Finished, PhaseMoved, TextGrew
from app.engine.wire import FromChild, Loaded, LoadFailed, LoadProgress
from app.engine.worker import engineloop, generate
from app.engine.worker.template import RenderCancelledError
from app.errors import KnownError
from tests.engine.worker.looprig import Loop, at_end_of
from tests.fakes.tiny_models import tiny_model
from tests.realmodels import gemma3

pytestmark = pytest.mark.llama


@pytest.fixture
def loop(library) -> Loop:
    return Loop(library)


def test_a_model_is_loaded_and_described(loop, monkeypatch):
    monkeypatch.setattr("app.engine.worker.model.PROGRESS_SECONDS", 0.0)
    loop.load()
    loop.run()
    assert isinstance(loop.frames[0], LoadProgress)
    loaded = loop.frames[-1]
    assert isinstance(loaded, Loaded)
    model = loaded.model
    assert (model.context_tokens, model.layers, model.gpu_layers) == (512, 31, 0)
    assert (model.has_template, model.can_think) == (True, False)
    assert model.devices


def test_a_load_that_fails_leaves_a_loop_that_can_load(loop, tmp_path):
    loop.load(tmp_path / "none.gguf")
    loop.load()
    loop.run()
    failed = next(frame for frame in loop.frames if isinstance(frame, LoadFailed))
    assert failed.notice.code is NoticeCode.MODEL_FILE_MISSING
    assert isinstance(loop.frames[-1], Loaded)


def test_a_load_is_cancelled(loop):
    loop.control.cancel_load()
    loop.load()
    loop.run()
    assert [frame.notice.code for frame in loop.frames if isinstance(frame, LoadFailed)] == [
        NoticeCode.MODEL_LOAD_CANCELLED
    ]


def test_a_context_that_cannot_be_made_frees_the_model(loop, monkeypatch):
    def refuse(*_: object) -> None:
        raise KnownError.of(NoticeCode.ENGINE_OUT_OF_MEMORY, model="m")

    monkeypatch.setattr(engineloop, "Context", refuse)
    loop.load()
    loop.run()
    assert loop.frames[-1].notice.code is NoticeCode.ENGINE_OUT_OF_MEMORY


def test_without_a_model_a_request_fails(loop):
    loop.generate("a")
    at_end_of(loop, "a")
    assert loop.end_of("a").notice.code is NoticeCode.NO_MODEL


def test_requests_take_turns_and_one_that_waits_can_be_cancelled(loop):
    loop.load()
    for name in ("a", "b", "c"):
        loop.generate(name)
    loop.cancel("b")
    at_end_of(loop, "c")
    assert [f.id for f in loop.frames if isinstance(f, Finished)] == ["b", "a", "c"]
    assert loop.end_of("b").stop_reason is StopReason.CANCELLED
    assert loop.end_of("a").stop_reason is StopReason.LENGTH


def test_one_that_comes_while_another_runs_is_queued(loop):
    def add_another(frame: FromChild) -> None:
        if isinstance(frame, TextGrew) and frame.id == "a" and not sent:
            sent.append(True)
            loop.generate("b")
            loop.cancel("unknown")
        if isinstance(frame, Finished) and frame.id == "b":
            loop.inbox.put(None)

    sent: list[bool] = []
    loop.on_frame = add_another
    loop.load(slots=1)
    loop.generate("a")
    loop.loop.run()
    phases = [f.phase for f in loop.frames if isinstance(f, PhaseMoved) and f.id == "b"]
    assert phases[0] is Phase.QUEUED
    assert loop.end_of("b").stop_reason is StopReason.LENGTH


def test_cancelled_while_it_runs(loop):
    def cancel(frame: FromChild) -> None:
        if isinstance(frame, TextGrew):
            loop.cancel("a")
        if isinstance(frame, Finished):
            loop.inbox.put(None)

    loop.on_frame = cancel
    loop.load()
    loop.generate("a")
    loop.loop.run()
    assert loop.end_of("a").stop_reason is StopReason.CANCELLED
    assert not loop.control.is_cancelled("a")


def test_a_bug_ends_one_request_and_the_next_is_right(loop, expect_log, monkeypatch):
    expect_log("request a")
    feed = generate.Generation._read

    def explode(generation: object, *arguments: object) -> None:
        if generation.request.id == "a":
            raise ZeroDivisionError("oops")
        feed(generation, *arguments)

    monkeypatch.setattr(generate.Generation, "_read", explode)
    loop.load()
    loop.generate("a")
    loop.generate("b")
    at_end_of(loop, "b")
    assert loop.end_of("a").notice.code is NoticeCode.BUG
    assert "oops" in str(loop.end_of("a").notice.facts["detail"])
    assert loop.end_of("b").timings.cache_n == 0
    assert loop.end_of("b").stop_reason is StopReason.LENGTH


def test_a_device_that_fails_ends_one_request(loop, library, monkeypatch):
    decode = library.api.llama_decode
    failures = iter([-3])
    monkeypatch.setattr(library.api, "llama_decode", lambda *a: next(failures, None) or decode(*a))
    loop.load(slots=1)
    loop.generate("a")
    loop.generate("b")
    at_end_of(loop, "b")
    assert loop.end_of("a").notice.code is NoticeCode.ENGINE_DRIVER_FAILED
    assert loop.end_of("b").stop_reason is StopReason.LENGTH


def test_a_hostile_template_ends_one_request(loop):
    loop.load()
    loop.generate("a", chat_template="{{ 'a' * 10 ** 10 }}")
    loop.generate("b")
    at_end_of(loop, "b")
    assert loop.end_of("a").notice.code is NoticeCode.TEMPLATE_TOO_COSTLY
    assert loop.end_of("b").stop_reason is StopReason.LENGTH


def test_another_model_can_be_loaded_in_its_place(loop, expect_log):
    expect_log("control-looking token", maybe=True)
    loop.load()
    loop.load(gemma3())
    loop.generate("a")
    at_end_of(loop, "a")
    assert [f.model.layers for f in loop.frames if isinstance(f, Loaded)] == [31, 19]
    assert loop.end_of("a").stop_reason is StopReason.LENGTH


def test_a_load_is_cancelled_while_its_template_is_tried(loop, monkeypatch):
    def cancelled(*_: object) -> None:
        raise RenderCancelledError

    with monkeypatch.context() as patch:
        patch.setattr(engineloop.PromptMaker, "capability", cancelled)
        loop.load()
        loop.run()
    (failed,) = [frame for frame in loop.frames if isinstance(frame, LoadFailed)]
    assert failed.notice.code is NoticeCode.MODEL_LOAD_CANCELLED
    loop.generate("a")
    loop.run()
    assert loop.end_of("a").notice.code is NoticeCode.NO_MODEL


@pytest.mark.slow
def test_a_model_whose_template_never_ends_is_loaded_all_the_same(loop):
    endless = "{% if enable_thinking %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}"
    loop.load(tiny_model("llama", template=f"{endless}{{% endfor %}}{{% endif %}}"))
    loop.run()
    loaded = loop.frames[-1]
    assert isinstance(loaded, Loaded)
    assert (loaded.model.can_think, loaded.model.can_switch) == (True, False)
