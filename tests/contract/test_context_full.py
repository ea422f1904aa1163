"""Chats that outgrow their context, with a script and with llama.cpp: every prompt fits, nothing is left out
silently, and what is read stays in the cache from one turn to the next."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.domain.chat import Message, MessageStatus
from app.domain.context import ContextPolicy
from app.domain.engine import LoadPlan
from app.domain.generation import Sampling, StopReason
from app.domain.ids import new_id
from app.domain.notice import NoticeCode
from app.engine.base import Engine
from app.engine.client import SupervisedEngine
from app.engine.scripted import ScriptedEngine
from app.paths import Paths
from tests.chat.rig import Rig
from tests.fakes.tiny_models import tiny_model
from tests.realmodels import smollm2

CONTEXT = 512
TURNS = 60


def scripted(home: Path) -> Engine:
    Paths(home).make()
    return ScriptedEngine(LoadPlan(model_id="m", model_path="/m.gguf", context_tokens=CONTEXT))


def supervised(home: Path, model: Path) -> Engine:
    paths = Paths(home)
    paths.make()
    plan = LoadPlan(model_id="m", model_path=str(model), context_tokens=CONTEXT, threads=1)
    return SupervisedEngine(plan, paths=paths)


def tiny(home: Path) -> Engine:
    return supervised(home, tiny_model("llama"))


def small(home: Path) -> Engine:
    return supervised(home, smollm2())


Open = Callable[[Path], Engine]
ENGINES = [
    pytest.param(scripted, id="scripted"),
    pytest.param(tiny, id="tiny", marks=pytest.mark.llama),
    pytest.param(small, id="smollm2", marks=[pytest.mark.llama, pytest.mark.slow, pytest.mark.timeout(600)]),
]
every_engine = pytest.mark.parametrize("open_engine", ENGINES)
quick_engine = pytest.mark.parametrize("open_engine", ENGINES[:2])


@pytest.fixture
def rig(home: Path, open_engine: Open) -> Iterator[Rig]:
    rig = Rig(home, open_engine(home))
    rig.chat_id = rig.new_chat(system_prompt="You live by the sea and say little.")
    yield rig
    rig.close()


def sample(rig: Rig, **fields: object) -> None:
    rig.loop.run(lambda: rig.service.change(rig.chat_id, sampling=Sampling(temperature=0, **fields)))  # type: ignore[arg-type]


def ask(rig: Rig, text: str, parent: Message | None) -> Message:
    return rig.ended(rig.send(text, parent_id=parent.id if parent is not None else None).id)


@every_engine
def test_a_chat_of_sixty_turns_in_a_small_context(rig: Rig, open_engine: Open) -> None:
    sample(rig, max_tokens=16)
    answer, answers = None, []
    for number in range(TURNS):
        answer = ask(rig, f"Here is thing number {number}: what do the people of the land say?", answer)
        assert answer.status is MessageStatus.COMPLETE, answer.notice
        assert answer.timings is not None
        answers.append(answer)
    read = [(each.timings.cache_n, each.timings.prompt_n) for each in answers if each.timings is not None]
    assert all(cached + new + 16 <= CONTEXT for cached, new in read)
    rolled = [number for number, each in enumerate(answers) if each.reading and each.reading.reread_n]
    assert len(rolled) >= 2
    assert all(after - before >= 3 for before, after in itertools.pairwise(rolled))
    left_out = [each.reading.left_out if each.reading else 0 for each in answers]
    assert left_out == sorted(left_out)
    for number in range(1, TURNS):
        cached, new = read[number]
        reading = answers[number].reading
        if number in rolled:
            assert reading is not None
            assert reading.reread_n == new
            assert left_out[number] > left_out[number - 1]
        else:  # all but the new question (and how the answer ended) is there already
            assert left_out[number] == left_out[number - 1]
            assert new < 64
            assert cached > sum(read[number - 1]) - 8


@quick_engine
def test_a_full_context_ends_the_answer_and_going_on_rolls_first(rig: Rig, open_engine: Open) -> None:
    sample(rig, max_tokens=30)
    first = ask(rig, "/long 30", None)
    second = ask(rig, "/long 30 and more of it", first)
    sample(rig)
    full = ask(rig, "/long 600", second)
    assert full.stop_reason is StopReason.CONTEXT_FULL
    assert full.notice is not None
    assert full.notice.code is NoticeCode.CONTEXT_FULL
    assert full.reading is None
    sample(rig, max_tokens=20)
    rig.loop.run(lambda: rig.service.continue_answer(rig.chat_id, full.id, new_id()))
    going_on = rig.ended(full.id)
    assert going_on.reading is not None, going_on.notice
    assert going_on.reading.left_out == 4
    assert going_on.content.startswith(full.content)
    assert len(going_on.content) > len(full.content)


@quick_engine
def test_a_chat_that_is_to_stop_says_so_and_loses_nothing(rig: Rig, open_engine: Open) -> None:
    rig.policy = ContextPolicy.STOP
    sample(rig, max_tokens=16)
    answer: Message | None = None
    for number in range(TURNS):
        answer = ask(rig, f"Here is thing number {number}: what do people say?", answer)
        if answer.status is MessageStatus.FAILED:
            break
        assert answer.reading is None
    assert answer is not None
    assert answer.notice is not None
    assert answer.notice.code is NoticeCode.PROMPT_TOO_LONG
    rig.policy, again, question = ContextPolicy.ROLL, new_id(), str(answer.parent_id)
    rig.loop.run(lambda: rig.service.regenerate(rig.chat_id, question, again))
    rolled = rig.ended(again)
    assert rolled.status is MessageStatus.COMPLETE
    assert rolled.reading is not None


@quick_engine
def test_a_message_that_is_longer_than_the_context_is_said_to_be(rig: Rig, open_engine: Open) -> None:
    first = ask(rig, "Good day.", None)
    long = ask(rig, "the sea " * 400, first)
    assert long.status is MessageStatus.FAILED
    assert long.notice is not None
    assert long.notice.code is NoticeCode.PROMPT_TOO_LONG
    assert int(long.notice.facts["prompt_tokens"]) > CONTEXT
    assert long.reading is None
    assert ask(rig, "Once more.", first).status is MessageStatus.COMPLETE
