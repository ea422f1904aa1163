"""User text cannot forge control tokens, and ordinary text keeps the reference tokenization."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.chat import Role
from app.engine.base import PromptMessage
from app.engine.worker.model import Model
from app.engine.worker.tokenize import (
    Guard,
    PromptText,
    Spellings,
    tokens_of,
    with_plain_text,
    with_template_text,
)

CONTROL = (
    "<|im_start|>",
    "<|im_end|>",
    "<bos>",
    "<eos>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<pad>",
    "<unk>",
)
FRAGMENTS = (
    *CONTROL,
    *("<|im_", "end|>", "start|>", "<", "|>", "<|", "<bo", "s>", "<end_of", "_turn>", "<|<|im_end|>im_end|>"),
    *(
        " ",
        "\n",
        "hello",
        "Grüße",
        "你好",
        "🦊",
        "\ue000",
        "\ue0000\ue000",
        "def f(x):\n    return x\n",
        "\u200b",
    ),
)
CONTENTS = st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["smol", "gemma"])
def vocabulary(request: pytest.FixtureRequest):
    model: Model = request.getfixturevalue(request.param)
    return model.vocabulary


def said(*contents: str) -> tuple[PromptMessage, ...]:
    return tuple(PromptMessage(role=Role.USER, content=content) for content in contents)


def rendered(messages: tuple[PromptMessage, ...], marks: tuple[str, str], between: str = "\n") -> str:
    """A template that writes each content between two control tokens, trimmed as many do."""
    return between.join(f"{marks[0]}user\n{message.content.strip()}{marks[1]}" for message in messages)


def marks_of(vocabulary) -> tuple[str, str]:
    return CONTROL[:2] if "<|im_start|>" in vocabulary.control else ("<bos>", "<eos>")


def made(contents: list[str], vocabulary, between: str = "\n") -> tuple[PromptText, list[int]]:
    spellings = Spellings(vocabulary.control)
    guard = Guard(spellings)
    prompt = guard.restore(rendered(guard.hide(said(*contents)), marks_of(vocabulary), between))
    return prompt, tokens_of(prompt, vocabulary, spellings)


@pytest.mark.llama
@QUICK
@given(st.lists(CONTENTS, min_size=1, max_size=3))
def test_no_control_token_comes_from_content(vocabulary, contents):
    _, tokens = made(contents, vocabulary)
    from_template = [vocabulary.control[mark] for _ in contents for mark in marks_of(vocabulary)]
    without_start = tokens[1:] if vocabulary.adds_bos and from_template[0] != vocabulary.bos else tokens
    assert [token for token in without_start if token in vocabulary.control_ids] == from_template


@pytest.mark.llama
@QUICK
@given(st.lists(CONTENTS, min_size=1, max_size=3))
def test_the_text_is_what_was_typed(vocabulary, contents):
    prompt, tokens = made(contents, vocabulary)
    assert prompt.text == rendered(said(*contents), marks_of(vocabulary))
    pieces = b"".join(vocabulary.piece(token) for token in tokens).decode()
    assert pieces.removeprefix(vocabulary.text(vocabulary.bos)) == prompt.text.removeprefix(
        vocabulary.text(vocabulary.bos)
    )


@pytest.mark.llama
@QUICK
@given(st.text(max_size=60))
def test_ordinary_content_keeps_the_reference_tokenization(vocabulary, content):
    if any(mark in content for mark in CONTROL):
        return
    text = rendered(said(content), marks_of(vocabulary))
    reference = vocabulary.tokenize(text, parse_special=True)
    guarded = PromptText(text=text, guarded=((len(text) + 1, len(text) + 1),))  # takes the careful way
    spellings = Spellings(vocabulary.control)
    for prompt in (PromptText(text=text), guarded, made([content], vocabulary)[0]):
        tokens = tokens_of(prompt, vocabulary, spellings)
        assert tokens in (reference, [vocabulary.bos, *reference])


@pytest.mark.llama
@pytest.mark.parametrize("cut", range(1, len("<|im_end|>")))
def test_a_control_token_cannot_be_put_together_from_two_messages(smol, cut):
    vocabulary = smol.vocabulary
    spellings = Spellings(vocabulary.control)
    guard = Guard(spellings)
    hidden = guard.hide(said("a<|im_end|>"[: 1 + cut] + "  ", "<|im_end|>"[cut:] + "b"))
    prompt = guard.restore("".join(message.content.strip() for message in hidden))
    assert prompt.text == "a<|im_end|>b"
    assert vocabulary.control["<|im_end|>"] not in tokens_of(prompt, vocabulary, spellings)


@pytest.mark.llama
def test_there_is_one_beginning_of_sequence(gemma):
    vocabulary = gemma.vocabulary
    spellings = Spellings(vocabulary.control)
    bare, with_bos = (
        tokens_of(PromptText(text=text), vocabulary, spellings) for text in ("hello", "<bos>hello")
    )
    assert bare == with_bos
    assert bare.count(vocabulary.bos) == 1
    assert tokens_of(PromptText(text=""), vocabulary, spellings) == [vocabulary.bos]


@pytest.mark.llama
def test_text_behind_a_prompt_is_plain_or_the_templates(smol):
    vocabulary = smol.vocabulary
    spellings = Spellings(vocabulary.control)
    prompt = PromptText(text="<|im_start|>assistant\n")
    plain = with_plain_text(prompt, "see <|im_end|>", spellings)
    template = with_template_text(plain, "<|im_end|>")
    assert template.text == "<|im_start|>assistant\nsee <|im_end|><|im_end|>"
    ends = [
        token
        for token in tokens_of(template, vocabulary, spellings)
        if token == vocabulary.control["<|im_end|>"]
    ]
    assert len(ends) == 1


class Letters:
    """A tokenizer of single letters with control tokens that swallow the white space around them."""

    bos = 0
    adds_bos = False
    control = {"<s>": 1, "<long>": 2, "<long><s>": 3}
    lstrip = {1}
    rstrip = {1}

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        assert not parse_special
        return [ord(letter) for letter in text]


def test_control_tokens_swallow_the_white_space_they_should():
    spellings = Spellings(Letters.control)
    prompt = PromptText(text="a <s> b<s>", guarded=((7, 10),))
    assert tokens_of(prompt, Letters(), spellings) == [ord("a"), 1, *map(ord, "b<s>")]


def test_of_overlapping_control_tokens_the_longest_counts():
    spellings = Spellings(Letters.control)
    prompt = PromptText(text="<long><s>x<s>", guarded=((10, 13),))
    assert tokens_of(prompt, Letters(), spellings)[:2] == [3, ord("x")]


def test_spellings_are_found_wherever_they_are():
    spellings = Spellings(["<a>", "[b]", "<a>[b]"])
    assert spellings.all_in("x<a>[b]") == [(1, 7), (1, 4), (4, 7)]
    assert spellings.guarded_in("x<a>[b]y<a") == [(1, 7), (8, 10)]
    assert spellings.guarded_in("plain [text] <here>") == []
    assert Spellings([]).guarded_in("<a>") == []


def test_placeholders_are_characters_nobody_used():
    guard = Guard(Spellings(["<a>"]))
    crowd = "".join(map(chr, range(0xE000, 0xF900)))
    (message,) = guard.hide(said(f"{crowd}<a>"))
    assert guard.restore(message.content).text == f"{crowd}<a>"


def test_a_placeholder_the_template_drops_is_dropped():
    guard = Guard(Spellings(["<a>"]))
    first, second = guard.hide(said("one <a>", "two <a>"))
    assert first.content != second.content
    assert guard.restore(f"[{second.content}]") == PromptText(text="[two <a>]", guarded=((5, 8),))


def test_reasoning_is_guarded_too():
    guard = Guard(Spellings(["<a>"]))
    (message,) = guard.hide((PromptMessage(role=Role.ASSISTANT, content="x", reasoning="<a>"),))
    assert "<a>" not in message.reasoning
    assert guard.restore(message.reasoning).text == "<a>"
