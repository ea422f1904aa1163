"""A prompt as tokens in which only the template wrote control tokens, whatever people typed.

Text a person (or an earlier answer) wrote may contain the spelling of a control token, such as
`<|im_start|>`. Those spellings are replaced by placeholders before the template sees them and put back
afterwards, marked as plain text; the tokenizer then gets the text around the template's own control tokens
without permission to find any. Prompts without such text take llama.cpp's own way, token for token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from app.domain.value import Value
from app.engine.base import PromptMessage

_PRIVATE_USE = (range(0xE000, 0xF900), range(0xF0000, 0xFFFFE))
_MARKS = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd]")
Span = tuple[int, int]


class Tokenizer(Protocol):
    """The part of `vocabulary.Vocabulary` this module needs."""

    bos: int
    adds_bos: bool
    control: dict[str, int]
    lstrip: set[int]
    rstrip: set[int]

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]: ...


class PromptText(Value):
    """A prompt and the places in it where a control token's spelling is only text."""

    text: str
    guarded: tuple[Span, ...] = ()


class Spellings:
    """Finds the spellings of control tokens in text. A vocabulary may have thousands of them."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(word for word in words if word)
        self._lengths = sorted({len(word) for word in self._words}, reverse=True)
        first = "".join(sorted({word[0] for word in self._words}))
        self._first = re.compile(f"[{re.escape(first)}]" if first else r"(?!)")
        self._beginnings = {word[:length] for word in self._words for length in range(1, len(word))}
        self._longest = max((len(word) for word in self._words), default=0)

    def all_in(self, text: str) -> list[Span]:
        """Returns every occurrence, overlapping ones included."""
        return [
            (begin.start(), begin.start() + length)
            for begin in self._first.finditer(text)
            for length in self._lengths
            if begin.start() + length <= len(text)
            and text[begin.start() : begin.start() + length] in self._words
        ]

    def guarded_in(self, text: str) -> list[Span]:
        """Returns what must not reach a template as it is: occurrences (the outermost of overlapping
        ones joined), and an end that could become one together with what the template puts behind it."""
        spans: list[Span] = []
        for start, end in sorted([*self.all_in(text), *self._open_end(text)]):
            if spans and start < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        return spans

    def _open_end(self, text: str) -> list[Span]:
        kept = text.rstrip()  # templates trim
        for length in range(min(self._longest - 1, len(kept)), 0, -1):
            if kept[-length:] in self._beginnings:
                return [(len(kept) - length, len(kept))]
        return []


class Guard:
    """Hides control spellings of one chat behind placeholders and puts them back into the prompt."""

    def __init__(self, spellings: Spellings) -> None:
        self._spellings = spellings
        self._hidden: list[str] = []
        self._mark = ""

    def hide(self, messages: Sequence[PromptMessage]) -> tuple[PromptMessage, ...]:
        """Returns the messages as the template may see them."""
        self._mark = _unused_mark(
            part for message in messages for part in (message.content, message.reasoning)
        )
        return tuple(
            PromptMessage(
                role=message.role,
                content=self._hide(message.content),
                reasoning=self._hide(message.reasoning),
            )
            for message in messages
        )

    def restore(self, rendered: str) -> PromptText:
        """Returns the rendered text with the spellings back in place."""
        if not self._hidden:
            return PromptText(text=rendered)
        parts: list[str] = []
        guarded: list[Span] = []
        length = done = 0
        for found in re.finditer(f"{self._mark}(\\d+){self._mark}", rendered):
            between, original = rendered[done : found.start()], self._hidden[int(found[1])]
            parts += [between, original]
            length += len(between)
            guarded.append((length, length + len(original)))
            length += len(original)
            done = found.end()
        return PromptText(text="".join([*parts, rendered[done:]]), guarded=tuple(guarded))

    def _hide(self, text: str) -> str:
        parts: list[str] = []
        done = 0
        for start, end in self._spellings.guarded_in(text):
            parts += [text[done:start], f"{self._mark}{len(self._hidden)}{self._mark}"]
            self._hidden.append(text[start:end])
            done = end
        return "".join([*parts, text[done:]])


def with_plain_text(prompt: PromptText, text: str, spellings: Spellings) -> PromptText:
    """Returns the prompt with text behind it in which control spellings are only text."""
    start = len(prompt.text)
    spans = tuple((start + first, start + last) for first, last in spellings.guarded_in(text))
    return PromptText(text=prompt.text + text, guarded=prompt.guarded + spans)


def with_template_text(prompt: PromptText, text: str) -> PromptText:
    """Returns the prompt with text behind it that may hold control tokens."""
    return PromptText(text=prompt.text + text, guarded=prompt.guarded)


def tokens_of(prompt: PromptText, tokenizer: Tokenizer, spellings: Spellings) -> list[int]:
    """Returns the prompt's tokens, with exactly one beginning of sequence if the model wants one."""
    if prompt.guarded:
        tokens = _guarded_tokens(prompt, tokenizer, spellings)
    else:
        tokens = tokenizer.tokenize(prompt.text, parse_special=True)
    if tokenizer.adds_bos and tokens[:1] != [tokenizer.bos]:
        tokens.insert(0, tokenizer.bos)
    return tokens


def _guarded_tokens(prompt: PromptText, tokenizer: Tokenizer, spellings: Spellings) -> list[int]:
    """Cuts the text at the template's control tokens, as llama.cpp does, and tokenizes what is between."""
    tokens: list[int] = []
    done = 0
    strips_next = False
    for start, end in _template_spans(prompt, spellings):
        token = tokenizer.control[prompt.text[start:end]]
        piece = prompt.text[done:start]
        tokens += _plain(tokenizer, piece, strips_next, token in tokenizer.lstrip)
        tokens.append(token)
        strips_next = token in tokenizer.rstrip
        done = end
    return tokens + _plain(tokenizer, prompt.text[done:], strips_next, False)


def _plain(tokenizer: Tokenizer, text: str, strips_left: bool, strips_right: bool) -> list[int]:
    text = text.lstrip() if strips_left else text
    text = text.rstrip() if strips_right else text
    return tokenizer.tokenize(text, parse_special=False) if text else []


def _template_spans(prompt: PromptText, spellings: Spellings) -> list[Span]:
    """Returns where the template wrote control tokens; of overlapping ones the longest, as llama.cpp."""
    taken = bytearray(len(prompt.text))
    for start, end in prompt.guarded:
        taken[start:end] = b"\x01" * (end - start)
    spans = []
    for start, end in sorted(spellings.all_in(prompt.text), key=lambda span: (span[0] - span[1], span[0])):
        if not any(taken[start:end]):
            taken[start:end] = b"\x01" * (end - start)
            spans.append((start, end))
    return sorted(spans)


def _unused_mark(texts: Iterable[str]) -> str:
    used = {mark for text in texts for mark in _MARKS.findall(text)}
    return next(chr(code) for part in _PRIVATE_USE for code in part if chr(code) not in used)
