from __future__ import annotations

import pytest

from app.engine.worker.reasoning.channels import HEADER_CHARACTERS, ChannelSplitter
from app.engine.worker.reasoning.formats import HARMONY
from app.engine.worker.reasoning.marks import Marks
from app.engine.worker.reasoning.splitter import State
from tests.engine.worker.reasoning.tagwords import TagWords

MARKS = Marks(TagWords(), (HARMONY,))


def split(text: str, state: State = State.MAYBE) -> tuple[str, str]:
    splitter = ChannelSplitter(HARMONY, MARKS, state)
    results = [splitter.feed(letter) for letter in text] + [splitter.finish()]
    return "".join(content for content, _ in results), "".join(reasoning for _, reasoning in results)


@pytest.mark.parametrize(
    ("header", "is_answer"),
    [
        ("<|channel|>final", True),
        ("<|channel|>analysis", False),
        ("<|start|>assistant<|channel|>commentary", True),
        ("<|channel|>commentary to=functions.f <|constrain|>json", False),
        ("<|start|>assistant to=functions.f<|channel|>commentary", False),
        ("<|start|>assistant", True),
    ],
)
def test_the_header_says_for_whom_a_message_is(header, is_answer):
    assert split(f"{header}<|message|>x<|return|>") == (("x", "") if is_answer else ("", "x"))


def test_what_stands_between_messages_is_not_for_people():
    assert split("<|channel|>analysis<|message|>a<|end|> x <|star<|channel|>final<|message|>b") == ("b", "a")


def test_a_message_may_end_where_the_next_begins():
    assert split("<|channel|>analysis<|message|>a<|channel|>final<|message|>b") == ("b", "a")


def test_a_header_without_end_is_text():
    endless = "x" * HEADER_CHARACTERS
    assert split(f"<|channel|>{endless} y") == (f"{endless} y", "")
    whole = ChannelSplitter(HARMONY, MARKS)
    assert whole.feed(f"<|channel|>{endless}<|message|>y") == (f"{endless}<|message|>y", "")


def test_going_on_in_the_middle():
    assert split(" more<|end|><|channel|>final<|message|>b", State.THINKING) == ("b", " more")
    assert split(" more", State.ANSWER) == (" more", "")
