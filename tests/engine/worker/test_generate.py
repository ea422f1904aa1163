from __future__ import annotations

import time

import pytest

from app.domain.chat import Role
from app.domain.generation import Phase, StopReason
from app.domain.notice import Action, NoticeCode
from app.engine.base import Failed, PhaseMoved, PromptMessage, TextGrew
from app.engine.worker import generate
from app.engine.worker.batch import Part
from app.engine.worker.context import NO_ROOM
from app.engine.worker.reasoning.formats import FORMATS, Tags
from app.engine.worker.reasoning.marks import Marks
from app.errors import KnownError
from tests.engine.worker.workbench import CHATML, Workbench, sampling

pytestmark = pytest.mark.llama
HELPFUL = PromptMessage(role=Role.SYSTEM, content="You are a helpful assistant.")
CAPITAL = PromptMessage(role=Role.USER, content="What is the capital of France?")


@pytest.fixture(scope="module")
def shared(library, smol):
    bench = Workbench(library, smol)
    yield bench
    bench.close()


@pytest.fixture
def bench(shared):
    shared.slot.forget()
    shared.desk.context_tokens = 4096
    return shared


def test_the_capital_of_france(bench):
    answer = bench.ask(HELPFUL, CAPITAL)
    assert answer.content == "The capital of France is Paris."
    assert answer.stop_reason is StopReason.END
    assert answer.timings.predicted_n == 7
    assert answer.timings.cache_n == 0
    assert answer.timings.prompt_n > 20
    assert answer.timings.prompt_ms > 0
    assert answer.timings.predicted_ms > 0


def test_the_phases_come_in_order_and_prefill_is_told(bench):
    answer = bench.ask(HELPFUL, CAPITAL, PromptMessage(role=Role.USER, content="word " * 60))
    names = [frame.phase for frame in answer.phases]
    assert names == sorted(names, key=[Phase.TEMPLATE, Phase.PREFILL, Phase.DECODE].index)
    prefill = [frame for frame in answer.phases if frame.phase is Phase.PREFILL]
    total = answer.timings.prompt_n
    assert {frame.total for frame in prefill} == {total}
    assert (prefill[0].done, prefill[-1].done) == (0, total)
    assert [frame.done for frame in prefill] == sorted(frame.done for frame in prefill)
    first_text = next(i for i, frame in enumerate(answer.frames) if isinstance(frame, TextGrew))
    assert isinstance(answer.frames[first_text - 1], PhaseMoved)


def test_the_next_turn_reuses_the_last_and_says_the_same(bench):
    first = bench.ask(HELPFUL, CAPITAL)
    said = PromptMessage(role=Role.ASSISTANT, content=first.content)
    more = PromptMessage(role=Role.USER, content="And of Italy?")
    warm = bench.ask(HELPFUL, CAPITAL, said, more)
    assert warm.timings.cache_n > first.timings.prompt_n
    bench.slot.forget()
    cold = bench.ask(HELPFUL, CAPITAL, said, more)
    assert cold.timings.cache_n == 0
    assert cold.content == warm.content
    assert cold.timings.prompt_n == warm.timings.cache_n + warm.timings.prompt_n


def test_asked_again_only_one_token_is_evaluated(bench):
    first = bench.ask(HELPFUL, CAPITAL)
    again = bench.ask(HELPFUL, CAPITAL)
    assert again.timings.prompt_n == 1
    assert again.content == first.content


def test_a_limit_ends_the_answer(bench):
    answer = bench.ask(HELPFUL, CAPITAL, sampling=sampling(max_tokens=3))
    assert answer.content == "The capital of"
    assert answer.stop_reason is StopReason.LENGTH
    assert answer.timings.predicted_n == 3
    nothing = bench.ask(HELPFUL, CAPITAL, sampling=sampling(max_tokens=0))
    assert (nothing.content, nothing.stop_reason) == ("", StopReason.LENGTH)


def test_continuing_is_as_if_it_had_never_stopped(bench):
    whole = bench.ask(HELPFUL, CAPITAL)
    half = bench.ask(HELPFUL, CAPITAL, sampling=sampling(max_tokens=4))
    rest = bench.ask(HELPFUL, CAPITAL, answer_prefix=half.content)
    assert half.content + rest.content == whole.content
    assert rest.timings.prompt_n == 1
    cold = bench.ask("Something else entirely.", sampling=sampling(max_tokens=1))
    assert cold.timings.prompt_n > 1
    assert bench.ask(HELPFUL, CAPITAL, answer_prefix="The capital of France is").content == " Paris."


@pytest.mark.parametrize(
    ("stops", "shown"),
    [
        (("Paris",), "The capital of France is "),
        (("pital of Fr",), "The ca"),
        (("is Paris.", "of France"), "The capital "),
        (("never said",), "The capital of France is Paris."),
    ],
)
def test_stop_strings_across_tokens(bench, stops, shown):
    answer = bench.ask(HELPFUL, CAPITAL, sampling=sampling(stop=stops))
    assert answer.content == shown
    expected = StopReason.END if shown.endswith("Paris.") else StopReason.STOP_STRING
    assert answer.stop_reason is expected


def test_the_same_seed_gives_the_same_answer(bench):
    story = "Write a story about a fox."
    warm = sampling(temperature=1.0, seed=11, max_tokens=24)
    first = bench.ask(story, sampling=warm)
    bench.slot.forget()
    assert bench.ask(story, sampling=warm).content == first.content
    other = sampling(temperature=1.0, seed=12, max_tokens=24)
    assert bench.ask(story, sampling=other).content != first.content


def test_a_prompt_longer_than_the_context_is_refused(bench):
    bench.desk.context_tokens = 20
    notice = bench.ask(HELPFUL, CAPITAL).notice
    assert notice.code is NoticeCode.PROMPT_TOO_LONG
    assert notice.facts["context_tokens"] == 20
    assert int(notice.facts["prompt_tokens"]) > 20
    assert notice.actions == (Action.SHORTEN,)


def test_a_full_context_ends_the_answer(bench):
    prompt = bench.ask(HELPFUL, CAPITAL).timings.prompt_n
    bench.desk.context_tokens = prompt + 4
    answer = bench.ask(HELPFUL, CAPITAL, sampling=sampling(max_tokens=None))
    assert answer.stop_reason is StopReason.CONTEXT_FULL
    assert answer.content == "The capital of France is"


def test_a_memory_without_room_is_a_full_context(bench, monkeypatch):
    decode = bench.context.decode

    def decode_until(parts: list[Part]) -> int:
        return decode(parts) if parts[0].position < limit else NO_ROOM

    monkeypatch.setattr(bench.context, "decode", decode_until)
    limit = 0
    assert bench.ask(HELPFUL, CAPITAL).notice.code is NoticeCode.PROMPT_TOO_LONG
    limit = 40
    assert bench.ask(HELPFUL, CAPITAL, sampling=sampling(max_tokens=None)).stop_reason in {
        StopReason.CONTEXT_FULL,
        StopReason.END,
    }


def test_cancelled_in_prefill_the_slot_stays_good(bench):
    expected = bench.ask(HELPFUL, CAPITAL).content

    def cancel_in_prefill(event: object) -> None:
        if isinstance(event, PhaseMoved) and event.phase is Phase.PREFILL and event.done > 0:
            bench.control.cancel(event.id)

    monkey = generate.PROGRESS_SECONDS
    generate.PROGRESS_SECONDS = 0
    try:
        answer = bench.ask("word " * 300, on_event=cancel_in_prefill)
    finally:
        generate.PROGRESS_SECONDS = monkey
    assert answer.stop_reason is StopReason.CANCELLED
    assert [frame.phase for frame in answer.phases][-1] is Phase.PREFILL
    assert bench.memory.last_position(0) == len(bench.slot.tokens) - 1
    assert bench.ask(HELPFUL, CAPITAL).content == expected


def test_aborted_in_the_middle_of_a_step(bench):
    def raise_flag(event: object) -> None:
        if isinstance(event, PhaseMoved) and event.phase is Phase.PREFILL and event.done == 0:
            bench.control.abort_flag[0] = b"\x01"

    answer = bench.ask("word " * 100, on_event=raise_flag)
    assert answer.stop_reason is StopReason.CANCELLED
    assert bench.memory.last_position(0) == len(bench.slot.tokens) - 1


def test_cancelled_while_it_answers(bench):
    def cancel_at_text(event: object) -> None:
        if isinstance(event, TextGrew):
            bench.control.cancel(event.id)

    answer = bench.ask(HELPFUL, CAPITAL, on_event=cancel_at_text)
    assert answer.stop_reason is StopReason.CANCELLED
    assert answer.content == "The"
    assert bench.ask(HELPFUL, CAPITAL).content == "The capital of France is Paris."


def test_aborted_while_it_answers(bench):
    def raise_flag(event: object) -> None:
        if isinstance(event, TextGrew):
            bench.control.abort_flag[0] = b"\x01"

    assert bench.ask(HELPFUL, CAPITAL, on_event=raise_flag).stop_reason is StopReason.CANCELLED
    assert bench.ask(HELPFUL, CAPITAL, answer_prefix="The").content == " capital of France is Paris."


def test_cancelled_before_it_began(bench):
    def cancel_at_once(event: object) -> None:
        if isinstance(event, PhaseMoved) and event.phase is Phase.TEMPLATE:
            bench.control.cancel(event.id)

    answer = bench.ask(HELPFUL, CAPITAL, on_event=cancel_at_once)
    assert answer.stop_reason is StopReason.CANCELLED
    assert answer.timings.predicted_n == 0


def test_a_fault_on_the_way_keeps_the_text_so_far(bench):
    events: list[object] = []
    generation = bench.begin(HELPFUL, CAPITAL, emit=events.append)
    generation.prepare(list, bench.control.is_cancelled)
    generation.begin(bench.slot, time.monotonic())
    while not any(isinstance(event, TextGrew) for event in events):
        generation.advance(bench.evaluated(generation.wants))
    generation.fail(KnownError.of(NoticeCode.ENGINE_DRIVER_FAILED, detail="gone").notice)
    assert generation.is_over
    assert isinstance(events[-1], Failed)
    assert events[-1].timings.predicted_n >= 1
    bench.control.end(generation.request.id)
    bench.slot.forget()


def test_text_is_sent_first_at_once_and_then_in_frames(bench, monkeypatch):
    monkeypatch.setattr(generate, "FRAME_SECONDS", 3600)
    answer = bench.ask(HELPFUL, CAPITAL)
    texts = [frame.content for frame in answer.frames if isinstance(frame, TextGrew)]
    assert texts == ["The", " capital of France is Paris."]


def test_control_tokens_are_not_shown_unless_they_mark_reasoning(bench):
    vocabulary = bench.desk.model.vocabulary
    generation = bench.begin("x", emit=lambda _event: None)
    start = vocabulary.control["<|im_start|>"]
    tags = Tags(open="<|im_start|>", close="<|im_end|>")
    marks = Marks(vocabulary, (tags,))
    assert generation._shown(Marks(vocabulary, FORMATS))(start) == b""
    assert generation._shown(marks)(start) == marks.marked("<|im_start|>")
    assert generation._shown(marks)(vocabulary.tokenize("x", parse_special=False)[0]) == b"x"
    bench.control.end(generation.request.id)


def test_an_answer_fits_its_grammar(bench):
    one = bench.ask(HELPFUL, CAPITAL, sampling=sampling(grammar='root ::= "It is " ("Rome" | "Paris")'))
    assert (one.content, one.stop_reason) == ("It is Paris", StopReason.END)
    broken = bench.ask(HELPFUL, CAPITAL, sampling=sampling(grammar="root ::= (\n"))
    assert broken.notice.code is NoticeCode.BAD_REQUEST
    assert "line 2" in str(broken.notice.facts["detail"])


def test_a_grammar_is_for_the_answer_and_not_for_the_thoughts(bench):
    thinker = CHATML.replace("assistant\n", "assistant\n<think>\n")
    asked = {"chat_template": thinker, "sampling": sampling(max_tokens=4, grammar='root ::= "x"')}
    answer = bench.ask(HELPFUL, CAPITAL, **asked)
    assert (answer.content, answer.stop_reason) == ("", StopReason.LENGTH)
    assert answer.reasoning
    assert bench.ask(HELPFUL, CAPITAL, reasoning_prefix="Hm.", answer_prefix=" ", **asked).content == "x"


def test_reasoning_is_split_and_counted(bench):
    """SmolLM2 does not reason; a template that opens the block makes its answer look as if it did."""
    thinker = CHATML.replace("assistant\n", "assistant\n<think>\n")
    answer = bench.ask(HELPFUL, CAPITAL, chat_template=thinker, sampling=sampling(max_tokens=8))
    assert answer.content == ""
    assert answer.reasoning
    assert answer.timings.reasoning_n == answer.timings.predicted_n
    assert 0 < answer.timings.reasoning_ms <= answer.timings.predicted_ms + 1
    continued = bench.ask(
        HELPFUL,
        CAPITAL,
        chat_template=thinker,
        reasoning_prefix="It is Paris.",
        answer_prefix="The capital of France is",
    )
    assert continued.reasoning == ""
    assert continued.content.strip()
