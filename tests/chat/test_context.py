from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.chat.context import Roll, Shown, last_reading, shown_of
from app.domain.chat import Chat, Message, Role
from app.domain.context import Reading, reserved_tokens
from app.domain.generation import Sampling
from app.domain.model import Model
from app.engine.base import Counted, GenerateRequest, PromptMessage

MODEL = Model(id="m", name="M", path="/m.gguf", size_bytes=1, system_prompt="Be a model.")
CHAT = Chat(id="c", created_ms=1, updated_ms=1, system_prompt="Be brief.")


def message(role: Role, content: str, **fields: object) -> Message:
    return Message(id=content or "empty", chat_id="c", role=role, created_ms=1, content=content, **fields)  # type: ignore[arg-type]


def said(role: Role, content: str) -> PromptMessage:
    return PromptMessage(role=role, content=content)


def test_the_prompt_has_the_system_prompt_and_no_empty_answers() -> None:
    branch = [
        message(Role.USER, "one"),
        message(Role.ASSISTANT, ""),
        message(Role.USER, "two"),
    ]
    assert shown_of(CHAT, MODEL, branch).messages == (
        said(Role.SYSTEM, "Be brief."),
        said(Role.USER, "one"),
        said(Role.USER, "two"),
    )


def test_a_chat_without_a_system_prompt_gets_the_model_s() -> None:
    chat = Chat(id="c", created_ms=1, updated_ms=1, system_prompt=" ")
    assert shown_of(chat, MODEL, []).messages[0] == said(Role.SYSTEM, "Be a model.")


def test_what_is_cut_off_is_cut_before_a_person_s_message() -> None:
    branch = [message(Role.ASSISTANT, "rest"), message(Role.USER, "one"), message(Role.ASSISTANT, "1")]
    shown = shown_of(CHAT, MODEL, branch, left_out=7)
    assert [turn.content for turn in shown.turns] == ["one", "1"]
    assert shown.reading() == Reading(left_out=8, from_id="one")
    assert [turn.content for turn in shown_of(CHAT, MODEL, branch).turns] == ["rest", "one", "1"]


def test_the_answer_before_says_what_was_left_out() -> None:
    old, new = Reading(left_out=2, from_id="x"), Reading(left_out=6, from_id="y")
    branch = [
        message(Role.ASSISTANT, "1", reading=old),
        message(Role.USER, "two"),
        message(Role.ASSISTANT, "2", reading=new),
        message(Role.USER, "three"),
    ]
    assert last_reading(message(Role.ASSISTANT, ""), branch) == new
    assert last_reading(message(Role.ASSISTANT, ""), branch[:2]) == old
    assert last_reading(message(Role.ASSISTANT, "so far", reading=old), branch) == old  # is gone on with
    assert last_reading(message(Role.ASSISTANT, ""), [*branch, message(Role.ASSISTANT, "all")]) is None


# A chat as it goes on for long, with an engine that counts characters


class Reader:
    """A chat that rolls, and a cache that holds the last prompt and answer."""

    def __init__(self, context_tokens: int, system: str) -> None:
        self.context_tokens = context_tokens
        self.shown = Shown(system=(said(Role.SYSTEM, system),))
        self.cache = ""
        self.reread = 0
        self.rolls = 0

    def text(self, shown: Shown) -> str:
        return "".join(f"<{each.role}>{each.content}" for each in shown.messages)

    def counted(self, shown: Shown) -> Counted:
        text = self.text(shown)
        cached = next((i for i, (a, b) in enumerate(zip(text, self.cache, strict=False)) if a != b), 0)
        return Counted(id="", tokens=len(text), context_tokens=self.context_tokens, cached_tokens=cached)

    def ask(self, question: Message) -> bool:
        """Takes a question as a turn does; says whether it was read."""
        shown = Shown(
            system=self.shown.system, turns=(*self.shown.turns, question), left_out=self.shown.left_out
        )
        request = GenerateRequest(id="r", messages=(), sampling=Sampling(), reserve_share=0.25)
        reserved = reserved_tokens(self.context_tokens, None, 0.25)
        size = self.counted(shown)
        if size.tokens + reserved > self.context_tokens:
            roll = Roll(shown, request, self.context_tokens)
            if roll.is_possible:
                asked = 1
                while not roll.take(self.counted(roll.candidate)):
                    asked += 1
                assert asked <= len(shown.places).bit_length() + 1
                assert roll.counted == self.counted(roll.candidate)
                shown, size = roll.candidate, roll.counted
                self.rolls += 1
                self.reread += size.tokens - size.cached_tokens - len(question.content)
        if size.tokens >= self.context_tokens:
            return False
        self.shown = shown
        return True

    def answer(self, text: str) -> None:
        answer = message(Role.ASSISTANT, text)
        self.shown = Shown(
            system=self.shown.system, turns=(*self.shown.turns, answer), left_out=self.shown.left_out
        )
        self.cache = self.text(self.shown)


sizes = st.lists(st.tuples(st.integers(1, 120), st.integers(1, 120)), min_size=1, max_size=60)


@given(sizes, st.integers(400, 2000), st.integers(1, 60))
def test_a_long_chat_always_fits_and_what_is_left_out_is_whole_turns_from_its_beginning(
    sizes: list[tuple[int, int]], context_tokens: int, system_size: int
) -> None:
    reader = Reader(context_tokens, "s" * system_size)
    everything: list[Message] = []
    for number, (asked, answered) in enumerate(sizes):
        question = message(Role.USER, f"{number}".ljust(asked, "q"))
        everything.append(question)
        before = reader.shown
        assert reader.ask(question)
        shown = reader.shown
        assert len(reader.text(shown)) < context_tokens
        assert shown.messages[0].content == "s" * system_size
        assert shown.turns[-1] == question
        assert shown.turns[0].role is Role.USER
        assert [*shown.turns] == everything[shown.left_out :]
        if shown.left_out != before.left_out:  # the cut moves far enough, or as far as it can
            most = context_tokens - 2 * int(context_tokens * 0.25)
            assert len(reader.text(shown)) <= most or not shown.places
        reader.answer(f"{number}".ljust(answered, "a"))
        everything.append(reader.shown.turns[-1])


@given(sizes.map(lambda some: some * 4), st.integers(1000, 2000))
def test_what_is_read_again_stays_within_a_few_times_of_what_is_said(
    sizes: list[tuple[int, int]], context_tokens: int
) -> None:
    reader = Reader(context_tokens, "s")
    said_in_all = 0
    for number, (asked, answered) in enumerate(sizes):
        assert reader.ask(message(Role.USER, f"{number}".ljust(asked, "q")))
        reader.answer(f"{number}".ljust(answered, "a"))
        said_in_all += asked + answered + len("<user><assistant>")
    # Each roll re-reads at most half a context, and frees at least a quarter less a turn.
    assert reader.reread <= reader.rolls * context_tokens / 2
    assert reader.reread <= 4 * said_in_all
