"""Answers side by side, on a tiny model: who goes first, who makes room, and that nobody's words change."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.generation import Priority, StopReason
from app.domain.notice import NoticeCode
from app.engine.base import TextGrew
from app.engine.worker import generate
from app.errors import KnownError
from tests.engine.worker.schedulerrig import SchedulerRig
from tests.fakes.tiny_models import tiny_model

pytestmark = pytest.mark.llama
QUESTIONS = ("Tell me of the sea.", "How do birds fly?", "Name three rivers.", "Why is it dark at night?")
LONG = "The river runs past the old mill and the children count the boats. " * 6


def model() -> Path:
    return tiny_model("llama", weights="F32")


@pytest.fixture
def rig(library):
    rig = SchedulerRig(library, model(), context_tokens=512, slots=4, batch_tokens=64)
    yield rig
    rig.close()


@pytest.fixture
def narrow(library):
    """One slot."""
    rig = SchedulerRig(library, model(), context_tokens=512, slots=1)
    yield rig
    rig.close()


def alone(rig: SchedulerRig, *questions: str, **fields: object) -> list[str]:
    """Returns what each answer is when nothing else runs."""
    return [rig.ask(f"alone {number}", text, **fields).content for number, text in enumerate(questions)]


def has_text(rig: SchedulerRig, name: str) -> bool:
    return any(isinstance(event, TextGrew) for event in rig.events[name])


def test_four_answers_are_made_at_once_and_each_is_what_it_is_alone(rig):
    expected = alone(rig, *QUESTIONS)
    rig.parts.clear()
    for number, question in enumerate(QUESTIONS):
        rig.add(str(number), question)
    rig.run()
    assert [rig.answer(str(number)).content for number in range(4)] == expected
    assert max(len(parts) for parts in rig.parts) == 4
    assert len(rig.parts) < 4 * 8  # steps were shared


def test_more_than_there_are_slots_take_turns(rig):
    for number in range(7):
        rig.add(str(number), f"{number} {QUESTIONS[0]}", tokens=3 + number)
    rig.run()
    assert sorted(rig.ended) == [str(number) for number in range(7)]
    assert rig.phases("6")[0] == "queued"
    assert max(len(parts) for parts in rig.parts) == 4


def test_while_others_answer_a_prompt_comes_in_pieces(rig, monkeypatch):
    monkeypatch.setattr(
        rig.scheduler._pace, "next_tokens", lambda *, is_waited_for: 16 if is_waited_for else 64
    )
    rig.add("a", QUESTIONS[0], tokens=40)
    rig.run(lambda: has_text(rig, "a"))
    rig.add("b", LONG)
    rig.run(lambda: has_text(rig, "b"))
    shared = [parts for parts in rig.parts if len(parts) == 2 and any(part.is_prompt for part in parts)]
    assert len(shared) >= 5
    assert all(len(part.tokens) <= 16 for parts in shared for part in parts)
    assert all(len(parts[0].tokens) == 1 for parts in shared)  # the answer moves in every step


def test_nobody_waits_for_background_work(rig, monkeypatch):
    sizes: list[bool] = []

    def next_tokens(*, is_waited_for: bool) -> int:
        sizes.append(is_waited_for)
        return 64

    monkeypatch.setattr(rig.scheduler._pace, "next_tokens", next_tokens)
    rig.add("title", QUESTIONS[0], tokens=40, priority=Priority.BACKGROUND)
    rig.run(lambda: has_text(rig, "title"))
    sizes.clear()
    rig.add("a", LONG)
    rig.run(lambda: has_text(rig, "a"))
    assert sizes
    assert not any(sizes)


def test_people_go_before_programs_and_those_before_background_work(narrow):
    narrow.add("running", QUESTIONS[0], tokens=5)
    narrow.run(lambda: has_text(narrow, "running"))
    for name, priority in (("b", Priority.BACKGROUND), ("p", Priority.PROGRAM), ("i", Priority.INTERACTIVE)):
        narrow.add(name, QUESTIONS[1], priority=priority)
    narrow.add("i2", QUESTIONS[2])
    narrow.run()
    assert narrow.ended == ["running", "i", "i2", "p", "b"]


def test_an_urgent_request_takes_the_place_of_a_less_urgent_one_which_goes_on_later(narrow):
    (expected,) = alone(narrow, QUESTIONS[0], tokens=12)
    narrow.add("title", QUESTIONS[0], tokens=12, priority=Priority.BACKGROUND)
    narrow.run(lambda: has_text(narrow, "title"))
    narrow.add("a", QUESTIONS[1])
    narrow.run()
    assert narrow.ended[-2:] == ["a", "title"]
    assert narrow.answer("title").content == expected
    assert narrow.phases("title") == ["template", "prefill", "decode", "queued", "decode"]
    assert narrow.answer("title").timings.predicted_n == 12


def test_a_prompt_that_was_interrupted_goes_on_where_it_was(library):
    rig = SchedulerRig(library, model(), context_tokens=512, slots=1, batch_tokens=32)
    (expected,) = alone(rig, LONG)
    rig.parts.clear()
    rig.add("title", "Sum up: " + LONG, priority=Priority.BACKGROUND)
    rig.run(lambda: len(rig.parts) > 0 and rig.parts[-1][0].position >= 32)
    rig.add("a", LONG)
    rig.run()
    assert rig.answer("a").content == expected
    assert rig.phases("title")[-3:] == ["queued", "prefill", "decode"]
    rig.close()


def test_when_cells_run_out_the_youngest_waits_and_nothing_is_lost(library):
    rig = SchedulerRig(library, model(), context_tokens=256, slots=3)
    expected = alone(rig, *QUESTIONS[:3], tokens=100)
    for number, question in enumerate(QUESTIONS[:3]):
        rig.add(str(number), question, tokens=100)
    rig.run()
    answers = [rig.answer(str(number)) for number in range(3)]
    assert [answer.stop_reason for answer in answers] == [StopReason.LENGTH] * 3
    assert [answer.timings.predicted_n for answer in answers] == [100] * 3
    assert [answer.content for answer in answers] == expected
    assert "queued" not in rig.phases("0")  # the live turn never loses
    assert "queued" in rig.phases("2")
    rig.close()


def test_a_prompt_waits_until_it_fits(library):
    rig = SchedulerRig(library, model(), context_tokens=256, slots=2)
    rig.add("a", LONG)
    rig.add("b", "B " + LONG)
    rig.run()
    assert rig.ended == ["a", "b"]
    assert max(len(parts) for parts in rig.parts) == 1
    rig.close()


def test_one_answer_may_fill_the_context_alone(library):
    rig = SchedulerRig(library, model(), context_tokens=256, slots=4)
    rig.add("a", QUESTIONS[0], tokens=1000)
    rig.add("b", QUESTIONS[1], tokens=20)
    rig.run()
    assert rig.answer("a").stop_reason is StopReason.CONTEXT_FULL
    assert rig.answer("b").stop_reason is StopReason.LENGTH
    rig.close()


def test_a_memory_without_room_parks_before_it_gives_up(rig, monkeypatch):
    decode = rig.context.decode
    monkeypatch.setattr(rig.context, "decode", lambda parts: decode(parts) if len(parts) < 2 else 1)
    expected = alone(rig, *QUESTIONS[:2])
    rig.add("0", QUESTIONS[0])
    rig.add("1", QUESTIONS[1])
    rig.run()
    assert [rig.answer(name).content for name in ("0", "1")] == expected


def test_one_is_cancelled_and_the_others_go_on(rig):
    expected = alone(rig, QUESTIONS[1])
    rig.add("a", QUESTIONS[0], tokens=50)
    rig.add("b", QUESTIONS[1])
    rig.run(lambda: has_text(rig, "a"))
    rig.control.cancel("a")
    assert not rig.control.is_aborting()  # it would end the other's step too
    rig.run()
    assert rig.answer("a").stop_reason is StopReason.CANCELLED
    assert rig.answer("b").content == expected[0]


def test_those_that_wait_are_cancelled_at_once(narrow):
    narrow.add("title", QUESTIONS[0], tokens=50, priority=Priority.BACKGROUND)
    narrow.run(lambda: has_text(narrow, "title"))
    narrow.add("a", QUESTIONS[1], tokens=20)
    narrow.add("b", QUESTIONS[1])
    narrow.run(lambda: has_text(narrow, "a"))
    narrow.control.cancel("title")
    narrow.control.cancel("b")
    narrow.scheduler.step()
    assert narrow.answer("title").stop_reason is StopReason.CANCELLED
    assert narrow.answer("title").content
    assert narrow.answer("b").stop_reason is StopReason.CANCELLED
    narrow.run()
    assert narrow.answer("a").stop_reason is StopReason.LENGTH


def test_an_idle_chat_is_parked_while_another_works_and_found_again(rig):
    first = rig.ask("a", LONG)
    assert len(rig.slots.live()) == 1
    rig.ask("b", QUESTIONS[0])
    assert [len(slot.tokens) > 50 for slot in rig.slots.parked()] == [True]
    again = rig.ask("c", LONG, first.content, "More.")
    assert again.timings.cache_n >= first.timings.prompt_n


def test_one_that_ends_beside_another_is_parked_too(rig):
    rig.add("a", QUESTIONS[0], tokens=30)
    rig.add("b", LONG, tokens=2)
    rig.run(lambda: "b" in rig.ended)
    assert [slot.is_busy for slot in rig.slots.live()] == [True]
    rig.run()


def test_the_same_beginning_is_read_once(rig):
    rig.add("a", LONG, tokens=30)
    rig.run(lambda: has_text(rig, "a"))
    shared = rig.ask("b", LONG + "Now you.")
    assert shared.timings.cache_n > 60


def test_a_device_that_fails_ends_those_that_took_part(rig, monkeypatch):
    decode = rig.context.decode
    rig.add("a", QUESTIONS[0])
    rig.add("b", QUESTIONS[1])
    rig.run(lambda: has_text(rig, "b"))

    def fail(_parts: object) -> int:
        monkeypatch.setattr(rig.context, "decode", decode)
        raise KnownError.of(NoticeCode.ENGINE_DRIVER_FAILED, detail="gone")

    monkeypatch.setattr(rig.context, "decode", fail)
    rig.add("c", QUESTIONS[2], priority=Priority.BACKGROUND)
    rig.run()
    assert [rig.answer(name).notice.code for name in ("a", "b")] == [NoticeCode.ENGINE_DRIVER_FAILED] * 2
    assert rig.ask("d", QUESTIONS[0]).timings.cache_n == 0


def test_a_bug_in_one_answer_leaves_the_others_alone(rig, monkeypatch, expect_log):
    expect_log("request a")
    expected = alone(rig, QUESTIONS[1])
    read = generate.Generation._read

    def explode(generation, *arguments):
        if generation.request.id == "a":
            raise ZeroDivisionError("oops")
        read(generation, *arguments)

    monkeypatch.setattr(generate.Generation, "_read", explode)
    rig.add("a", QUESTIONS[0])
    rig.add("b", QUESTIONS[1])
    rig.run()
    assert rig.answer("a").notice.code is NoticeCode.BUG
    assert rig.answer("b").content == expected[0]


def test_a_bug_while_a_prompt_is_made_leaves_the_others_alone(rig, monkeypatch, expect_log):
    expect_log("request a")
    make = generate.PromptMaker.make

    def explode(maker, request, *arguments):
        if request.id == "a":
            raise ZeroDivisionError("oops")
        return make(maker, request, *arguments)

    monkeypatch.setattr(generate.PromptMaker, "make", explode)
    rig.add("a", QUESTIONS[0])
    rig.add("b", QUESTIONS[1])
    rig.run()
    assert rig.answer("a").notice.code is NoticeCode.BUG
    assert rig.answer("b").stop_reason is StopReason.LENGTH


@pytest.mark.parametrize("moment", ["suspend", "resume"])
def test_an_answer_whose_memory_is_lost_says_so_and_keeps_its_text(narrow, monkeypatch, moment):
    narrow.add("title", QUESTIONS[0], tokens=50, priority=Priority.BACKGROUND)
    narrow.run(lambda: has_text(narrow, "title"))
    if moment == "suspend":
        monkeypatch.setattr(narrow.context.memory, "save", lambda *_, **__: None)
    else:
        monkeypatch.setattr(narrow.context.memory, "restore", lambda *_, **__: False)
    narrow.add("a", QUESTIONS[1])
    narrow.run()
    assert narrow.answer("title").notice.code is NoticeCode.ENGINE_OUT_OF_MEMORY
    assert narrow.answer("title").content
    assert narrow.answer("a").stop_reason is StopReason.LENGTH


def test_closing_ends_everything(rig):
    for number in range(6):
        rig.add(str(number), QUESTIONS[0], tokens=30)
    rig.run(lambda: has_text(rig, "0"))
    rig.scheduler.close()
    assert [rig.answer(str(number)).stop_reason for number in range(6)] == [StopReason.CANCELLED] * 6
