"""Markdown in pieces is markdown in one go; what is closed stays."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ui.markdown.blocks import Blocks, leaves_of
from ui.markdown.leaves import Code, Leaf, Line, Run, Table
from ui.markdown.parsing import block_tokens, units

PIECES = (
    *("a", "b c", "đ", "天", " ", "  ", "    ", "\t", "\n", "\n", "\n\n", "\r\n", "\r", "\0", "\\", "0"),
    *("- ", "* ", "+ ", "1. ", "2) ", "7. ", "  - ", "   1. ", "> ", ">", "# ", "### ", "---\n", "===\n"),
    *(
        "```",
        "```py\n",
        "````\n",
        "~~~",
        "``",
        "`",
        "**",
        "***",
        "*",
        "_",
        "__",
        "~~",
    ),
    *("[", "](", ")", "![", "[x] "),
    *("| a | b |\n", "|---|:-:|\n", "|", "|-", "https://a.b/c_d", "<b>", "&amp;", "[a]: http://b\n"),
    *("\x0b", "\x85"),
)
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
cuts = st.lists(st.integers(0, 200), max_size=40)


def whole(text: str) -> list[Leaf]:
    """What markdown-it makes of it all, without any of our cutting."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text += "" if text.endswith("\n") else "\n"  # the parser drops a last line of nothing but spaces
    return [leaf for unit in units(block_tokens(text)) for leaf in unit.leaves()]


def cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place for place in places if place < len(text))})
    return [text[begin:end] for begin, end in pairwise(edges)]


@settings(max_examples=250, deadline=None)
@given(texts, cuts)
@example("- a\n- b\n\n\n3. c\n4. d", list(range(30)))
@example("~~~ x\ny\n~~~", [])
@example("1. a\n1. b\n1. c\n", list(range(30)))
@example("```py\n  x\n```\r\n\r\nb", list(range(30)))
@example("foo\n| a |\n|---|\n| 1\n\nb", list(range(30)))
def test_pieces_give_what_the_whole_gives_and_nothing_closed_changes(text, places):
    blocks = Blocks()
    closed: list[Leaf] = []
    for piece in cut(text, places):
        blocks.feed(piece)
        assert blocks.closed[: len(closed)] == closed
        closed = list(blocks.closed)
        blocks.tail()
        assert blocks.closed == closed
    blocks.finish()
    assert blocks.closed[: len(closed)] == closed
    assert blocks.closed == whole(text)
    assert blocks.tail() == []


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("word", 0),
        ("word\n", 0),
        ("word\n\n", 1),
        ("# head\n", 1),
        ("---\n", 1),
        ("```py\nx\n", 0),
        ("```py\nx\n```", 0),
        ("```py\nx\n```\n", 1),
        ("~~~\n```\n~~~\n", 1),
        ("- a\n", 0),
        ("- a\n- b", 0),
        ("- a\n- b\n", 1),
        ("- a\n\nb\n", 1),
        ("| a |\n|---|\n| 1 |\n", 0),
        ("| a |\n|---|\n| 1 |\n\n", 1),
        ("> a\n\n", 1),
        ("    code\n\n", 0),
    ],
)
def test_when_a_block_is_closed(text, closed):
    blocks = Blocks()
    blocks.feed(text)
    assert len(blocks.closed) == closed


def test_a_long_list_leaves_a_short_tail():
    blocks = Blocks()
    blocks.feed("".join(f"1. item\n\n   more of {number}\n\n" for number in range(500)))
    assert len(blocks._open) < 40
    (item, more) = blocks.tail()
    assert item == leaves_of("500. item")[0]
    assert more == Line(item.runs[:0] + leaves_of("more of 499")[0].runs, place="l")


def test_an_open_fence_is_not_parsed(monkeypatch):
    blocks = Blocks()
    blocks.feed("```c\n")
    monkeypatch.setattr("ui.markdown.blocks.block_tokens", None)
    for _ in range(100):
        blocks.feed("int main() {\n\n# x\n- y\n")
    assert blocks.tail() == [Code("int main() {\n\n# x\n- y\n" * 99 + "int main() {\n\n# x\n- y", "c")]


def tails(text: str) -> list[list[Leaf]]:
    """How the whole page looks after each character."""
    blocks = Blocks()
    found = []
    for character in text:
        blocks.feed(character)
        found.append(blocks.closed + blocks.tail())
    return found


def test_a_fence_is_code_from_its_first_line_on_and_its_end_is_never_seen():
    frames = tails("a\n\n```py\nx = 1\n```\n\nb")
    assert "`" not in str(frames)


@pytest.mark.parametrize(
    "text",
    [
        "some **bold words** and more",
        "some *slanted words*, ~~gone~~ and `code here` done",
        "- **Name**: text",
        "1. one\n2. two\n\n   ```\n   x\n   ```\n3. three",
        "***both*** and __bold__, _it_",
        "# Head\n\ntext\n\n---\n\n> quote **b\nc** d",
        "- [ ] open\n- [x] done",
    ],
)
def test_what_is_shown_only_grows(text):
    def shown(frame: list[Leaf]) -> str:
        return "\n".join(f"{getattr(leaf, 'marker', '')}\t{leaf.text.rstrip()}" for leaf in frame).rstrip()

    frames = [shown(frame) for frame in tails(text)]
    assert [(old, new) for old, new in pairwise(frames) if not new.startswith(old)] == []


def test_a_table_is_a_table_from_its_head_on():
    frames = tails("| Name | Size |\n|------|-----:|\n| a | 1 |\n")
    kinds = [type(frame[0]) for frame in frames if frame]
    assert set(kinds) == {Table}
    assert "-" not in str([leaf.rows for frame in frames for leaf in frame])


def test_where_a_link_goes_is_never_seen():
    frames = tails("see [the page](https://example.com/a?b=c) or ![a cat](https://example.com/cat.png)")
    assert [frame for frame in frames if "http" in frame[0].text] == []


def test_a_star_that_multiplies_is_a_star():
    frames = tails("so 2*3 and a * b, snake_case_name")
    assert [run for frame in frames for run in frame[0].runs if run.style] == []


@pytest.mark.parametrize("part", ["[", "![", "*a ", "`", "<", "> ", "- ", "[a]("])
def test_a_model_that_loops_is_still_shown(part):
    parsed: list[int] = []
    blocks = Blocks()
    for _ in range(10):
        blocks.feed(part * 1000)
        parsed.append(len(blocks.tail()))
    blocks.finish()
    assert len(parsed) == 10
    if "[" in part:
        assert blocks.closed == [Line((Run(part * 10_000),))]
