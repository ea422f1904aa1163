from __future__ import annotations

import pytest

from app.engine.worker.reasoning.formats import FORMATS, GRANITE, HARMONY, THINK, formats_for, opened_by


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
    assert opened_by(generation_prompt, (THINK,)) == (THINK if opened else None)


def test_formats_are_those_the_template_or_the_vocabulary_knows():
    assert formats_for("{{ '</think>' }}", lambda _text: False) == (THINK,)
    assert [tags.open for tags in formats_for("plain", lambda text: text == "[THINK]")] == ["[THINK]"]
    assert formats_for("plain", lambda _text: False) == ()
    assert formats_for("{{ '<think>' }} between <response></response>", lambda _text: False)[0] is GRANITE
    assert formats_for("{{ '<think>' }} <response>", lambda _text: False) == (THINK,)  # of a tool, as MiniMax
    assert formats_for("plain", lambda text: text == "<|channel|>") == (HARMONY,)


def test_what_ends_the_thoughts_begins_the_answer():
    assert THINK.ending == "</think>\n\n"
    assert HARMONY.ending == "<|end|><|start|>assistant<|channel|>final<|message|>"
    assert GRANITE.ending == "</think>\n\n<response>"


def test_no_two_formats_are_the_same():
    assert len({(tags.open, tags.answer_open) for tags in FORMATS}) == len(FORMATS)
