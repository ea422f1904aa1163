from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.worker.reasoning.blocks import BlockSplitter
from app.engine.worker.reasoning.formats import THINK
from app.engine.worker.reasoning.splitter import State

PARTS = ("<think>", "</think>", "<thin", "</", "<", "think>", " ", "\n", "a", "b c", "```", "é")
OUTPUTS = st.lists(st.sampled_from(PARTS), max_size=10)


def reference(text: str, state: State) -> tuple[str, str]:
    """The whole output at once."""
    if state is State.MAYBE:
        begun = text.lstrip()
        if not begun.startswith(THINK.open):
            return text, ""
        text = begun[len(THINK.open) :]
    if state is not State.THINKING:
        text = text.lstrip()
    reasoning, closed, answer = text.partition(THINK.close)
    return (answer.lstrip(), reasoning.rstrip()) if closed else ("", reasoning)


def split(pieces: list[str], state: State) -> tuple[str, str]:
    splitter = BlockSplitter((THINK,), state, None if state is State.MAYBE else THINK)
    results = [splitter.feed(piece) for piece in pieces] + [splitter.finish()]
    return "".join(content for content, _ in results), "".join(reasoning for _, reasoning in results)


@given(OUTPUTS, st.sampled_from([State.MAYBE, State.THINKING_START, State.THINKING]), st.data())
def test_every_chunking_splits_like_the_whole(parts, state, data):
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(pieces, state) == reference(text, state)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>\nno end </th", ("", "no end </th")),
        ("Write `<think>` like this: <think>x</think>", None),
        ("<think>a</think>b </think> <think>c</think>", ("b </think> <think>c</think>", "a")),
        (" \nhello", None),
        (" \n", None),
        ("", ("", "")),
    ],
)
def test_a_block_stands_only_at_the_start(text, expected):
    assert split([*text], State.MAYBE) == (expected or (text, ""))
