"""From a request to tokens: guard, render, continue from what is there, tokenize.

Says also in which state the output starts: inside a reasoning block, or in the middle of an answer; and to
which places in it the chat is likely to come back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from app.domain.chat import Role
from app.domain.notice import Action, NoticeCode
from app.domain.value import Value
from app.engine.base import GenerateRequest
from app.engine.worker.model import Model
from app.engine.worker.prefix import common_prefix
from app.engine.worker.reasoning.capability import Capability, Switch, probe
from app.engine.worker.reasoning.formats import Family, Tags, formats_for, opened_by
from app.engine.worker.reasoning.limits import LAST_THOUGHT
from app.engine.worker.reasoning.marks import Marks
from app.engine.worker.reasoning.splitter import State
from app.engine.worker.template import RenderJob, TemplateRenderer
from app.engine.worker.tokenize import (
    Guard,
    PromptText,
    Spellings,
    tokens_of,
    with_plain_text,
    with_template_text,
)
from app.errors import KnownError

_MARKED_TURNS = 2  # so many user messages back an edit is likely
Said = Callable[[], Iterable[Sequence[int]]]


class Prompt(Value):
    """What is evaluated before the first new token, and how its output is to be read. The next prompt of
    the same chat is likely to differ from this one right after one of `marks` (counts of tokens).
    `tag_marks` are those of the formats, as the output has them."""

    tokens: list[int]
    formats: tuple[Tags, ...]
    tag_marks: Marks
    marks: tuple[int, ...] = ()
    state: State = State.MAYBE
    tags: Tags | None = None


class PromptMaker:
    """Makes prompts for one model."""

    def __init__(self, model: Model, renderer: TemplateRenderer) -> None:
        self._model = model
        self._renderer = renderer
        self._vocabulary = model.vocabulary
        self._spellings = Spellings(model.vocabulary.control)
        self._formats: dict[str, tuple[Tags, ...]] = {}  # by template, as the next two
        self._tag_marks: dict[str, Marks] = {}
        self._capabilities: dict[str, Capability] = {}

    def capability(self, template: str, is_cancelled: Callable[[], bool] = lambda: False) -> Capability:
        """Returns what a template lets people choose about reasoning. Raises `RenderCancelledError`."""
        found = self._capabilities.get(template)
        if found is None:
            found = self._capabilities[template] = probe(
                template,
                self._formats_of(template),
                lambda job: self._renderer.render(job, is_cancelled),
                *(self._vocabulary.text(self._vocabulary.bos), self._vocabulary.text(self._vocabulary.eos)),
            )
        return found

    def ending(self, tags: Tags, marks: Marks) -> list[int]:
        """Returns what makes a model end its thoughts and begin the answer."""
        ending = marks.spelled(tags.ending)
        return [
            *self._vocabulary.tokenize(LAST_THOUGHT, parse_special=False),
            *self._vocabulary.tokenize(ending, parse_special=True),
        ]

    def make(self, request: GenerateRequest, said: Said, is_cancelled: Callable[[], bool]) -> Prompt:
        """`said` tells the tokens of each conversation in the cache. Raises `KnownError` when there is no
        template or it fails, and `RenderCancelledError`."""
        template = self._template(request)
        guard = Guard(self._spellings)
        rendered = self._renderer.render(
            RenderJob(
                template=template,
                messages=guard.hide(request.messages),
                bos=self._vocabulary.text(self._vocabulary.bos),
                eos=self._vocabulary.text(self._vocabulary.eos),
                thinking=request.thinking,
                effort=request.effort or "",
            ),
            is_cancelled,
        )
        formats = self._formats_of(template)
        opened = opened_by(rendered.generation_prompt, formats)
        asked = guard.restore(rendered.prompt)
        is_silenced = not request.thinking and not request.reasoning_prefix
        if is_silenced and self.capability(template, is_cancelled).switch is Switch.PREFILL:
            asked, opened = _silenced(asked, formats[0], opened), None
        started, state, tags = self._started(request, asked, formats, opened)
        tokens = self._generated(asked, started, said) or self._tokens(started)
        if not tokens:  # nothing to evaluate, so no logits to sample from: llama.cpp would abort
            raise KnownError.of(
                NoticeCode.TEMPLATE_FAILED, Action.SET_TEMPLATE, detail="the template wrote nothing"
            )
        marks = self._marks(request, asked.text, len(rendered.generation_prompt), tokens)
        return Prompt(
            tokens=tokens,
            formats=formats,
            marks=marks,
            state=state,
            tags=tags,
            tag_marks=self._tag_marks[template],
        )

    def _formats_of(self, template: str) -> tuple[Tags, ...]:
        if template not in self._formats:
            formats = self._formats[template] = formats_for(template, self._vocabulary.is_token)
            self._tag_marks[template] = Marks(self._vocabulary, formats)
        return self._formats[template]

    def _template(self, request: GenerateRequest) -> str:
        template = request.chat_template or self._model.template
        if not template:
            raise KnownError.of(
                NoticeCode.MODEL_HAS_NO_TEMPLATE,
                Action.SET_TEMPLATE,
                Action.CHOOSE_MODEL,
                model=self._model.plan.model_id,
            )
        return template

    def _started(
        self, request: GenerateRequest, asked: PromptText, formats: tuple[Tags, ...], opened: Tags | None
    ) -> tuple[PromptText, State, Tags | None]:
        """Puts what the answer already has behind the prompt."""
        reasoning, answer = request.reasoning_prefix, request.answer_prefix
        tags = opened or (formats[0] if formats and reasoning else None)
        if not reasoning and not answer:
            return asked, (State.THINKING_START if opened else State.MAYBE), opened
        started, has_channels = asked, bool(formats) and formats[0].family is Family.CHANNELS
        gap = "" if has_channels else "\n"  # a block has its tags on lines of their own
        if tags is not None:
            if opened is None:
                started = with_template_text(started, f"{tags.open}{gap}")
            started = with_plain_text(started, reasoning, self._spellings)
            if not answer:
                return started, State.THINKING, tags
            started = with_template_text(started, f"{gap}{tags.ending}")
        elif has_channels:
            tags = formats[0]
            started = with_template_text(started, tags.answer_open)
        return with_plain_text(started, answer, self._spellings), State.ANSWER, tags

    def _generated(self, asked: PromptText, started: PromptText, said: Said) -> list[int]:
        """Returns cached tokens that say just this: going on from the tokens the model made is as if it had
        never stopped, while the same text may have other tokens."""
        missing = started.text[len(asked.text) :].encode()
        if not missing:
            return []
        tokens = self._tokens(asked)
        for cached in said():
            if common_prefix(cached, tokens) == len(tokens):
                found = self._saying(missing, cached[len(tokens) :])
                if found:
                    return tokens + found
        return []

    def _saying(self, text: bytes, tokens: Sequence[int]) -> list[int]:
        """Returns the first of `tokens` that together are `text`; none if there are none."""
        for count, token in enumerate(tokens, 1):
            piece = self._vocabulary.piece(token)
            if not piece or not text.startswith(piece):
                return []
            text = text[len(piece) :]
            if not text:
                return list(tokens[:count])
        return []

    def _marks(
        self, request: GenerateRequest, text: str, generation_prompt: int, tokens: Sequence[int]
    ) -> tuple[int, ...]:
        """Places to note for memories that cannot go back anywhere: before the last messages of the user
        (an edit) and before what the template wrote for the answer (which history has otherwise)."""
        if self._model.keeps_all:
            return ()
        places = [len(text) - generation_prompt]
        asked = [message.content.strip() for message in request.messages if message.role is Role.USER]
        for content in asked[: -_MARKED_TURNS - 1 : -1]:
            place = text.rfind(content, 0, places[-1])
            if place < 0:
                break
            places.append(place)
        return tuple(
            sorted({self._tokens_before(len(text[:place].encode()), text, tokens) for place in places})
        )

    def _tokens_before(self, place: int, text: str, tokens: Sequence[int]) -> int:
        """Returns how many tokens end at or before a place in the text, counted in bytes."""
        vocabulary = self._vocabulary
        is_added = tokens[0] == vocabulary.bos and not text.startswith(vocabulary.text(vocabulary.bos))
        length = -len(vocabulary.piece(tokens[0])) if is_added else 0
        for count, token in enumerate(tokens):
            length += len(vocabulary.piece(token))
            if length > place:
                return count
        return len(tokens)

    def _tokens(self, text: PromptText) -> list[int]:
        return tokens_of(text, self._vocabulary, self._spellings)


def _silenced(prompt: PromptText, tags: Tags, opened: Tags | None) -> PromptText:
    """Puts an empty block of thoughts before the answer."""
    if opened is not None:
        return with_template_text(prompt, f"\n{opened.ending}")
    return with_template_text(prompt, f"{tags.open}\n\n{tags.ending}")
