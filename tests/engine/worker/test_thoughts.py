"""Thoughts of a real (if senseless) model that never ends them by itself: budget, "answer now", circles."""

from __future__ import annotations

import pytest

from app.domain.generation import Sampling, StopReason
from app.domain.notice import Action, NoticeCode
from app.engine.base import Noticed, TextGrew
from app.engine.wire import AnswerNow
from app.engine.worker.model import load_model
from app.engine.worker.reasoning import limits
from app.engine.worker.reasoning.limits import LAST_THOUGHT
from app.engine.worker.sampler import Sampler
from tests.engine.worker.conftest import THREADS, plan_of
from tests.engine.worker.schedulerrig import SchedulerRig
from tests.engine.worker.workbench import Workbench, sampling
from tests.fakes.tiny_models import tiny_model
from tests.fakes.tiny_models.shape import THINKING

pytestmark = pytest.mark.llama


@pytest.fixture(scope="module")
def shared(library):
    path = tiny_model("llama", template=THINKING)
    model = load_model(library, plan_of(path, reference=True), lambda _progress: None, lambda: False)
    bench = Workbench(library, model)
    yield bench
    bench.close()
    model.close()


@pytest.fixture
def bench(shared):
    shared.slot.forget()
    shared.desk.context_tokens = 4096
    return shared


def test_a_budget_ends_the_thoughts_with_a_word(bench):
    answer = bench.ask("Why?", reasoning_budget=20, sampling=sampling(max_tokens=80))
    assert answer.reasoning.endswith(LAST_THOUGHT.strip())
    assert answer.content
    assert "think>" not in answer.content + answer.reasoning
    thought = len(bench.prompts.ending(bench_tags(bench), bench_marks(bench)))
    assert 20 <= answer.timings.reasoning_n <= 20 + thought
    assert answer.timings.predicted_n == 80


def test_what_was_forced_is_in_the_cache_like_the_rest(bench):
    """The answer is that of a model that had written those thoughts itself."""
    forced = bench.ask("Why?", reasoning_budget=20, sampling=sampling(max_tokens=70))
    tokens = list(bench.slot.tokens)
    bench.slot.forget()
    bench.evaluate(tokens[:-8])
    assert bench.memory.last_position(0) == len(tokens) - 9
    again = bench.ask("Why?", reasoning_budget=20, sampling=sampling(max_tokens=70))
    assert (again.content, again.reasoning) == (forced.content, forced.reasoning)
    assert b"</think>" in b"".join(bench.desk.model.vocabulary.piece(token) for token in tokens)


def test_no_thoughts_at_all(bench):
    answer = bench.ask("Why?", reasoning_budget=0, sampling=sampling(max_tokens=40))
    assert answer.reasoning == LAST_THOUGHT.strip()
    assert answer.content


def test_by_default_half_of_the_context_is_for_thoughts(bench):
    bench.desk.context_tokens = 200
    answer = bench.ask("Why?", sampling=Sampling(temperature=0))
    assert answer.stop_reason is StopReason.CONTEXT_FULL
    assert answer.content
    assert answer.reasoning.endswith(LAST_THOUGHT.strip())


def test_a_context_that_ends_in_the_last_thought(bench, monkeypatch):
    monkeypatch.setattr(limits, "ANSWER_TOKENS", 0)
    prompt = bench.ask("Why?", sampling=sampling(max_tokens=1)).timings.prompt_n
    bench.desk.context_tokens = prompt + 25
    answer = bench.ask("Why?", reasoning_budget=20, sampling=Sampling(temperature=0))
    assert answer.stop_reason is StopReason.CONTEXT_FULL


def test_the_length_counts_what_was_forced(bench):
    answer = bench.ask("Why?", reasoning_budget=4, sampling=sampling(max_tokens=6))
    assert answer.stop_reason is StopReason.LENGTH
    assert (answer.content, answer.timings.predicted_n) == ("", 6)


def test_a_grammar_holds_once_the_thoughts_are_closed(bench):
    asked = sampling(max_tokens=60, grammar='root ::= "yes" | "no"')
    answer = bench.ask("Why?", reasoning_budget=6, sampling=asked)
    assert answer.content in {"yes", "no"}


def test_reasoning_off_closes_the_block_before_it_begins(bench):
    answer = bench.ask("Why?", thinking=False, sampling=sampling(max_tokens=8))
    assert answer.reasoning == ""
    assert answer.content
    last = bench.slot.tokens[: bench.slot.prompt_count]
    said = b"".join(bench.desk.model.vocabulary.piece(token) for token in last)
    assert said.endswith(b"<think>\n\n</think>\n\n")
    again = bench.ask("Why?", thinking=False, answer_prefix=answer.content, sampling=sampling(max_tokens=4))
    assert again.timings.prompt_n == 1


def test_circles_are_told_and_not_cut(bench, monkeypatch):
    monkeypatch.setattr(limits, "GRAM_TIMES", 1)
    answer = bench.ask("Why?", sampling=sampling(max_tokens=80))
    told = [frame for frame in answer.frames if isinstance(frame, Noticed)]
    assert [(frame.notice.code, frame.notice.actions) for frame in told] == [
        (NoticeCode.REASONING_REPEATS, (Action.ANSWER_NOW,))
    ]
    assert answer.timings.predicted_n == 80


def test_answer_now_while_it_thinks(library):
    rig = SchedulerRig(library, tiny_model("llama", template=THINKING))
    hurried: list[str] = []

    def hurry(event: object) -> None:
        if isinstance(event, TextGrew) and event.id == "a" and not hurried:
            hurried.append(event.reasoning)
            rig.scheduler.answer_now("a")

    rig.on_event = hurry
    rig.add("a", "Why?", tokens=60)
    rig.add("b", "What?", tokens=60)
    rig.run()
    rig.close()
    assert rig.answer("a").content
    assert rig.answer("a").reasoning.endswith(LAST_THOUGHT.strip())
    assert (rig.answer("b").content, hurried != []) == ("", True)


def test_answer_now_before_it_thinks(library):
    rig = SchedulerRig(library, tiny_model("llama", template=THINKING))
    rig.add("a", "Why?", tokens=40)
    rig.scheduler.answer_now("a")
    rig.scheduler.answer_now("unknown")
    rig.run()
    rig.close()
    assert rig.answer("a").reasoning == LAST_THOUGHT.strip()
    assert rig.answer("a").content


def bench_tags(bench):
    return bench.prompts._formats_of(bench.desk.model.template)[0]


def bench_marks(bench):
    return bench.prompts._tag_marks[bench.desk.model.template]


def test_answer_now_over_the_wire(own_child):
    """The child says what its model lets people choose, and hears them while it answers."""
    model = own_child.loaded(tiny_model("llama", template=THINKING), threads=THREADS)
    assert (model.can_think, model.can_switch, model.efforts) == (True, True, ())
    request = own_child.begin("Why?", sampling=sampling(max_tokens=400))
    own_child.wait(lambda frame: isinstance(frame, TextGrew) and frame.id == request)
    own_child.send(AnswerNow(id=request))
    answer = own_child.answer(request)
    assert answer.reasoning.endswith(LAST_THOUGHT.strip())
    assert answer.content


def test_what_was_forced_counts_for_the_penalties(bench, monkeypatch):
    accepted: list[int] = []
    monkeypatch.setattr(Sampler, "accept", lambda _sampler, token: accepted.append(token))
    bench.ask("Why?", reasoning_budget=4, sampling=sampling(max_tokens=40))
    assert accepted == bench.prompts.ending(bench_tags(bench), bench_marks(bench))
