"""What a scripted engine makes of a message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.chat import Role
from app.domain.generation import Sampling, StopReason
from app.engine.base import GenerateRequest, PromptMessage
from app.engine.script import Fate, prompt_words, script_for, split_words
from tests.fakes.listener import request_for


def answer(text: str, **fields: object) -> str:
    return "".join(script_for(request_for(text, **fields)).answer)


def test_it_echoes_the_last_question():
    messages = (
        PromptMessage(role=Role.USER, content="first"),
        PromptMessage(role=Role.ASSISTANT, content="answer"),
        PromptMessage(role=Role.USER, content="the second  one"),
    )
    request = GenerateRequest(id="a", messages=messages)
    assert "".join(script_for(request).answer) == "the second  one"
    assert prompt_words(request) == ["first", "answer", "the", " second", "  one"]


@pytest.mark.parametrize(
    ("text", "fate", "said"),
    [
        ("/slow 20 a b", Fate.SLOW, "a b"),
        ("/long 3", Fate.LONG, "word1 word2 word3"),
        ("/long x", Fate.LONG, ""),
        ("/think so", Fate.THINK, "so"),
        ("/hold on", Fate.HOLD, "on"),
        ("/hang", Fate.HANG, ""),
        ("/crash now", Fate.CRASH, "now"),
        ("/fail", Fate.FAIL, ""),
        ("/other words", Fate.ANSWER, "/other words"),
        ("", Fate.ANSWER, ""),
    ],
)
def test_commands(text: str, fate: Fate, said: str):
    script = script_for(request_for(text))
    assert (script.fate, "".join(script.answer)) == (fate, said)
    assert script.pause_s == (0.02 if fate == Fate.SLOW else 0)


def test_reasoning_only_when_asked_and_before_any_answer():
    assert "".join(script_for(request_for("/think so")).reasoning) == "Let me think about: so"
    assert script_for(request_for("/think so", thinking=False)).reasoning == ()
    assert script_for(request_for("/think so", answer_prefix="s")).reasoning == ()
    assert script_for(request_for("/think so", reasoning_prefix="Let me think")).reasoning == (
        " about:",
        " so",
    )


def test_limits():
    three = script_for(request_for("a b c d", sampling=Sampling(max_tokens=3)))
    assert (three.answer, three.stop_reason) == (("a", " b", " c"), StopReason.LENGTH)
    stopped = script_for(request_for("a b c d", sampling=Sampling(stop=("zz", " c"))))
    assert ("".join(stopped.answer), stopped.stop_reason) == ("a b", StopReason.STOP_STRING)
    assert script_for(request_for("a", sampling=Sampling(max_tokens=1))).stop_reason == StopReason.END


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(), st.integers(min_value=0))
def test_continuing_gives_the_whole(text: str, cut: int):
    whole = answer(text)
    prefix = whole[: cut % (len(whole) + 1)]
    assert prefix + answer(text, answer_prefix=prefix) == whole


def test_a_foreign_prefix_is_followed_by_everything():
    assert answer("a b", answer_prefix="x") == "a b"


@settings(deadline=None)  # a busy machine is no failure
@given(st.text())
def test_words_join_to_the_text(text: str):
    assert "".join(split_words(text)) == text
