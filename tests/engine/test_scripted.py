"""The engine in this process keeps the promises of every engine."""

from __future__ import annotations

import threading

import pytest

from app.domain.engine import EngineState, EngineStatus, LoadPlan
from app.domain.generation import Phase, Priority, Sampling, StopReason
from app.domain.notice import NoticeCode
from app.engine.scripted import ScriptedEngine
from tests.fakes.listener import Listener
from tests.waiting import wait_until


class Played:
    def __init__(
        self, path: str = "/models/m.gguf", slots: int = 4, context_tokens: int = 4096, **options: float
    ) -> None:
        self.statuses: list[EngineStatus] = []
        plan = LoadPlan(
            model_id="m", model_path=path, gpu_layers=-1, slots=slots, context_tokens=context_tokens
        )
        self.engine = ScriptedEngine(plan, self.statuses.append, **options)

    def ask(self, text: str, **fields: object) -> Listener:
        return Listener.asking(self.engine, text, **fields)

    def wait_for_state(self, state: EngineState) -> None:
        wait_until(lambda: self.engine.status.state == state, what=state)


@pytest.fixture
def played():
    played = Played()
    yield played
    played.engine.close()


def test_it_loads_and_answers(played: Played):
    asked = played.ask("Hello there, world")
    assert (asked.stop_reason, asked.text) == (StopReason.END, "Hello there, world")
    expected = [Phase.LOADING, Phase.TEMPLATE, Phase.PREFILL, Phase.PREFILL, Phase.DECODE]
    assert asked.phases in (expected, [Phase.QUEUED, *expected[1:]])
    states = [status.state for status in played.statuses]
    assert states[:3] == [EngineState.STARTING, EngineState.STARTING, EngineState.LOADING] or (
        states[:2] == [EngineState.STARTING, EngineState.LOADING]
    )
    assert played.engine.status.loaded.gpu_layers == 30
    assert played.engine.requests == [asked.request]


def test_the_same_chat_reuses_its_prefix(played: Played):
    assert played.ask("one two three four").end().timings.cache_n == 0
    timings = played.ask("one two three five").end().timings
    assert (timings.cache_n, timings.prompt_n, timings.predicted_n) == (3, 1, 4)


def test_reasoning_comes_before_the_answer(played: Played):
    asked = played.ask("/think about it")
    asked.end()
    assert (asked.reasoning, asked.text) == ("Let me think about: about it", "about it")
    assert asked.end().timings.reasoning_n == 6


def test_limits_are_kept(played: Played):
    asked = played.ask("/long 5", sampling=Sampling(max_tokens=2))
    assert (asked.stop_reason, asked.text) == (StopReason.LENGTH, "word1 word2")


def test_stop_is_felt_at_once_and_the_next_is_answered(played: Played):
    held, waiting = played.ask("/hold on"), played.ask("next")
    held.wait_for_text()
    played.engine.cancel(held.request.id)
    assert (held.stop_reason, held.text, waiting.stop_reason) == (StopReason.CANCELLED, "on", StopReason.END)


def test_what_waits_can_be_cancelled():
    played = Played(slots=1)
    held, waiting = played.ask("/hold on"), played.ask("next")
    held.wait_for_text()
    played.engine.cancel(waiting.request.id)
    assert waiting.stop_reason == StopReason.CANCELLED
    assert not held.terminals
    played.engine.cancel("nobody")
    played.engine.close()


def test_each_slot_remembers_its_own_words():
    """One that counted the other's words as its own would find its context full."""
    played = Played(context_tokens=100)
    both = [played.ask("/hold " + f"{letter} " * 40) for letter in "ab"]
    for asked in both:
        wait_until(lambda: len(asked.text) == 80, what="all words")  # noqa: B023
        played.engine.cancel(asked.request.id)
    assert [asked.stop_reason for asked in both] == [StopReason.CANCELLED] * 2
    played.engine.close()


def test_of_those_that_wait_the_most_urgent_goes_first():
    played = Played(slots=1)
    held = played.ask("/hold on")
    held.wait_for_text()
    asked = [played.ask("x", priority=priority) for priority in (Priority.BACKGROUND, Priority.INTERACTIVE)]
    played.engine.cancel(held.request.id)
    assert [one.stop_reason for one in asked] == [StopReason.END] * 2
    assert asked[1].at[-1] < asked[0].at[-1]
    played.engine.close()


def test_slow_words_can_be_stopped_between(played: Played):
    asked = played.ask("/slow 60000 word")
    asked.wait_for_phase(Phase.DECODE)
    played.engine.cancel(asked.request.id)
    assert (asked.stop_reason, asked.text) == (StopReason.CANCELLED, "")


def test_a_crash_fails_everyone_and_the_next_request_restarts(played: Played):
    waiting = played.ask("/hold y")
    waiting.wait_for_text()
    crash = played.ask("/crash x")
    assert (crash.code, crash.text) == (NoticeCode.ENGINE_DIED, "x")
    assert waiting.code == NoticeCode.ENGINE_DIED
    assert played.engine.status.state == EngineState.FAILED
    assert played.ask("again").stop_reason == StopReason.END


def test_a_hang_is_noticed():
    played = Played(hung_after_s=0.05)
    assert played.ask("/hang").code == NoticeCode.ENGINE_HUNG
    assert played.ask("again").stop_reason == StopReason.END
    played.engine.close()


def test_a_failure_fails_only_itself(played: Played):
    assert played.ask("/fail").code == NoticeCode.TEMPLATE_FAILED
    assert played.engine.status.state == EngineState.READY


def test_a_load_can_be_held_and_cancelled():
    played = Played("/models/hold-load.gguf")
    asked = played.ask("x")
    played.wait_for_state(EngineState.LOADING)
    played.engine.cancel_load()
    assert asked.code == NoticeCode.MODEL_LOAD_CANCELLED
    played.wait_for_state(EngineState.IDLE)
    played.engine.cancel_load()  # nothing to cancel
    again = played.ask("x")
    played.wait_for_state(EngineState.LOADING)
    played.engine.close()
    assert again.stop_reason == StopReason.CANCELLED


def test_asking_while_a_cancelled_load_ends_loads_again():
    played = Played("/models/hold-load.gguf")
    played.engine.load()
    played.wait_for_state(EngineState.LOADING)
    with played.engine._changed:  # so that the load cannot end before the question is there
        played.engine.cancel_load()
        asked = played.ask("x")
    wait_until(lambda: [s.state for s in played.statuses].count(EngineState.LOADING) == 2)
    played.engine.close()
    assert asked.stop_reason == StopReason.CANCELLED


def test_a_bad_file_fails_to_load():
    played = Played("/models/fail-load.gguf")
    assert played.ask("x").code == NoticeCode.MODEL_CORRUPT
    played.wait_for_state(EngineState.FAILED)
    played.engine.close()
    assert played.engine.status.state == EngineState.IDLE


def test_close_ends_everything_and_may_be_repeated():
    played = Played()
    held, waiting = played.ask("/hold on"), played.ask("/hold next")
    held.wait_for_text()
    played.engine.close()
    played.engine.close()
    assert [held.stop_reason, waiting.stop_reason] == [StopReason.CANCELLED] * 2
    assert played.ask("late").code == NoticeCode.MODEL_LOAD_CANCELLED
    played.engine.load()
    assert played.engine.status.state == EngineState.IDLE
    played.engine.close()


def test_close_from_a_callback_does_not_wait_for_itself():
    played = Played()
    closed = threading.Event()

    def close(_: object) -> None:
        played.engine.close()
        closed.set()

    played.ask("x").end()
    played.engine.generate(Listener.asking(played.engine, "/hold").request, close)
    assert closed.wait(10)
    wait_until(lambda: played.engine.status.state == EngineState.IDLE)
    played.engine.close()
