from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.worker.reasoning import (
    FORMATS,
    ReasoningSplitter,
    State,
    Tags,
    can_think,
    formats_for,
    opened_by,
)

THINK = FORMATS[0]
PARTS = ("<think>", "</think>", "<thin", "</", "<", "think>", " ", "\n", "a", "b c", "```", "é")
OUTPUTS = st.lists(st.sampled_from(PARTS), max_size=10)


def reference(text: str, state: State, tags: Tags = THINK) -> tuple[str, str]:
    """The whole output at once."""
    if state is State.MAYBE:
        begun = text.lstrip()
        if not begun.startswith(tags.open):
            return text, ""
        text = begun[len(tags.open) :]
    if state is not State.THINKING:
        text = text.lstrip()
    reasoning, closed, answer = text.partition(tags.close)
    return (answer.lstrip(), reasoning.rstrip()) if closed else ("", reasoning)


def split(pieces: list[str], state: State, formats=(THINK,), tags: Tags | None = None) -> tuple[str, str]:
    splitter = ReasoningSplitter(formats, state, tags)
    results = [splitter.feed(piece) for piece in pieces] + [splitter.finish()]
    return "".join(content for content, _ in results), "".join(reasoning for _, reasoning in results)


@given(OUTPUTS, st.sampled_from([State.MAYBE, State.THINKING_START, State.THINKING]), st.data())
def test_every_chunking_splits_like_the_whole(parts, state, data):
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(pieces, state, tags=THINK) == reference(text, state)


@pytest.mark.parametrize("tags", FORMATS)
def test_every_format_at_every_split_point(tags):
    text = f"\n{tags.open}\nFirst this.\n\nThen {tags.open} that.\n{tags.close}\n\nThe answer {tags.close}."
    expected = (f"The answer {tags.close}.", f"First this.\n\nThen {tags.open} that.")
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            pieces = [text[:first], text[first:second], text[second:]]
            assert split(pieces, State.MAYBE, FORMATS) == expected


def test_a_block_the_template_opened():
    assert split(["Let me see.\n</thi", "nk>\n\n42"], State.THINKING_START, tags=THINK) == (
        "42",
        "Let me see.",
    )


def test_an_unclosed_block_stays_reasoning():
    assert split(["<think>\nno end </th"], State.MAYBE) == ("", "no end </th")


def test_a_tag_inside_an_answer_is_text():
    text = "Write `<think>` like this: <think>x</think>"
    assert split(list(text), State.MAYBE) == (text, "")


def test_white_space_before_a_plain_answer_is_kept():
    assert split([" ", "\n", "hello"], State.MAYBE) == (" \nhello", "")


def test_a_model_without_reasoning_is_left_alone():
    assert split(["<think>a</think>b"], State.MAYBE, formats=()) == ("<think>a</think>b", "")


def test_thinking_is_known_while_it_lasts():
    splitter = ReasoningSplitter((THINK,))
    seen = []
    for piece in ("<think>", "a", "</think>", "b"):
        splitter.feed(piece)
        seen.append(splitter.is_thinking)
    assert seen == [True, True, False, False]


@pytest.mark.parametrize(
    ("generation_prompt", "opened"),
    [
        ("<|im_start|>assistant\n<think>\n", True),
        ("<|im_start|>assistant\n", False),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", False),
        ("<｜Assistant｜></think>", False),
    ],
)
def test_what_the_template_opened(generation_prompt, opened):
    assert opened_by(generation_prompt, FORMATS) == (THINK if opened else None)


def test_formats_are_those_the_template_or_the_vocabulary_knows():
    assert formats_for("{{ '</think>' }}", lambda _text: False) == (THINK,)
    assert formats_for("plain", lambda text: text == "[THINK]") == (FORMATS[1],)
    assert formats_for("plain", lambda _text: False) == ()


def test_templates_that_know_of_reasoning():
    assert can_think("{% if enable_thinking %}")
    assert can_think("{{ content.split('</think>')[-1] }}")
    assert not can_think("{{ messages }}")
