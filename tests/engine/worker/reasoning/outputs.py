"""Outputs of every kind of reasoning model, what should become of them, and ways to cut them to pieces."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from app.engine.worker.reasoning.formats import FORMATS, GRANITE, HARMONY, THINK, Tags
from app.engine.worker.reasoning.marks import Marks
from app.engine.worker.reasoning.reader import splitter_for
from app.engine.worker.reasoning.splitter import State
from tests.engine.worker.reasoning.tagwords import TagWords

MAGISTRAL = next(tags for tags in FORMATS if tags.open == "[THINK]")
SEED = next(tags for tags in FORMATS if tags.open == "<seed:think>")
GEMMA = next(tags for tags in FORMATS if tags.open == "<|channel>thought")
COMMAND = next(tags for tags in FORMATS if tags.open == "<|START_THINKING|>")
SOLAR = next(tags for tags in FORMATS if tags.open == "<|think|>")
KIMI = next(tags for tags in FORMATS if tags.sign == "<|open|>")
HARMONY_TOKENS = (
    *("<|start|>", "<|end|>", "<|message|>", "<|channel|>"),
    *("<|constrain|>", "<|call|>", "<|return|>"),
)


@dataclass(frozen=True)
class Case:
    """`tokens` are the tags that are tokens where tags are; `opens` says that the template did."""

    name: str
    tags: Tags
    tokens: tuple[str, ...]
    output: str
    content: str
    reasoning: str
    opens: bool = False

    @property
    def state(self) -> State:
        return State.THINKING_START if self.opens else State.MAYBE


_THINK = ("<think>", "</think>")
CASES = (
    Case("think", THINK, _THINK, "<think>\nWhy é?\n</think>\n\nSo: 4.", "So: 4.", "Why é?"),
    Case("glm", THINK, _THINK, "\n<think>Hm. a</b></think>\nThe 4 ", "The 4 ", "Hm. a</b>"),
    Case("opened", THINK, _THINK, "\nWell, <b\n</think>\n\nYes", "Yes", "Well, <b", opens=True),
    Case("unclosed", THINK, _THINK, "<think>\nno end </th", "", "no end </th"),
    Case("no thoughts", THINK, _THINK, "<think>\n\n</think>\n\n4", "4", ""),
    Case("plain", THINK, _THINK, " \nJust < 4 and `</`", " \nJust < 4 and `</`", ""),
    Case("magistral", MAGISTRAL, ("[THINK]", "[/THINK]"), "[THINK]a [x] b[/THINK]c [y]", "c [y]", "a [x] b"),
    Case("seed", SEED, ("<seed:think>", "</seed:think>"), "<seed:think>a\n</seed:think>b", "b", "a"),
    Case(
        *("gemma", GEMMA, ("<|channel>", "<channel|>")),
        *("<|channel>thought\nA | b\n<channel|>It <is>", "It <is>", "A | b"),
    ),
    Case(
        *("command", COMMAND, (COMMAND.open, COMMAND.close, COMMAND.answer_open, COMMAND.answer_close)),
        "<|START_THINKING|>A<|END_THINKING|><|START_RESPONSE|> It <is> \n<|END_RESPONSE|>",
        *("It <is>", "A"),
    ),
    Case(
        *("granite", GRANITE, ()),
        *("<think>A </b></think>\n\n<response> It </is>.\n</response>", "It </is>.", "A </b>"),
    ),
    Case(
        *("granite without a frame", GRANITE, ()),
        *("<think>A</think>\nIt <re is", "It <re is", "A"),
    ),
    Case(
        *("solar", SOLAR, ("<|think|>", "<|end|>", "<|begin|>", "<|content|>")),
        *("<|think|>A b<|end|><|begin|>assistant<|content|>It <is>", "It <is>", "A b"),
    ),
    Case(
        *("kimi", KIMI, ("<|open|>", "<|close|>", "<|sep|>")),
        "<|open|>think<|sep|>A<|close|>think<|sep|><|open|>response<|sep|>It is 4.<|close|>response<|sep|>",
        *("It is 4.", "A"),
    ),
    Case(
        *("harmony", HARMONY, HARMONY_TOKENS),
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>It is |4|.",
        *("It is |4|.", "Hm."),
    ),
    Case(
        *("harmony with a tool", HARMONY, HARMONY_TOKENS),
        "<|channel|>analysis<|message|>A<|end|><|start|>assistant<|channel|>commentary<|message|>Look"
        "<|end|><|start|>assistant<|channel|>commentary to=f.g <|constrain|>json<|message|>{}<|call|>",
        *("Look", "A\n\n{}"),
    ),
    Case(
        *("harmony, final only", HARMONY, HARMONY_TOKENS),
        *("<|channel|>final<|message|>4<|return|>", "4", ""),
    ),
    Case(
        *("harmony, twice", HARMONY, HARMONY_TOKENS),
        "<|channel|>analysis<|message|>A<|end|><|start|>assistant<|channel|>analysis<|message|>B<|end|>"
        "<|start|>assistant<|channel|>final<|message|>C",
        *("C", "A\n\nB"),
    ),
    Case("harmony, unclosed", HARMONY, HARMONY_TOKENS, "<|channel|>analysis<|message|>A <", "", "A <"),
    Case("harmony, plain", HARMONY, HARMONY_TOKENS, "Just |4|", "Just |4|", ""),
)


def split(case: Case, pieces: list[str], marks: Marks) -> tuple[str, str]:
    """What becomes of an output in pieces, in which tags that are tokens are marks already."""
    splitter = splitter_for((case.tags,), marks, case.state, case.tags if case.opens else None)
    results = [splitter.feed(piece) for piece in pieces] + [splitter.finish()]
    content, reasoning = ("".join(side) for side in zip(*results, strict=True))
    return marks.shown(content), marks.shown(reasoning)


def marks_of(case: Case, *, by_token: bool) -> Marks:
    return Marks(TagWords(*(case.tokens if by_token else ())), (case.tags,))


def cuts(text: str, count: int, seed: int = 0) -> Iterator[list[str]]:
    """Every way to cut in two, then so many random ways to cut in more."""
    for place in range(len(text) + 1):
        yield [text[:place], text[place:]]
    draw = random.Random(seed)
    for _ in range(count):
        places = sorted(draw.choices(range(len(text) + 1), k=draw.randint(2, 12)))
        yield [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
