"""From a request to tokens: guard, render, continue from what is there, tokenize.

Says also in which state the output starts: inside a reasoning block, or in the middle of an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.domain.notice import Action, NoticeCode
from app.domain.value import Value
from app.engine.base import GenerateRequest
from app.engine.worker.model import Model
from app.engine.worker.prefix import common_prefix
from app.engine.worker.reasoning import State, Tags, formats_for, opened_by
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


class Prompt(Value):
    """What is evaluated before the first new token, and how its output is to be read."""

    tokens: tuple[int, ...]
    formats: tuple[Tags, ...]
    state: State = State.MAYBE
    tags: Tags | None = None


class PromptMaker:
    """Makes prompts for one model."""

    def __init__(self, model: Model, renderer: TemplateRenderer) -> None:
        self._model = model
        self._renderer = renderer
        self._vocabulary = model.vocabulary
        self._spellings = Spellings(model.vocabulary.control)

    def make(
        self, request: GenerateRequest, cached: Sequence[int], is_cancelled: Callable[[], bool]
    ) -> Prompt:
        """`cached` are the tokens the slot holds. Raises `KnownError` when there is no template or it
        fails, and `RenderCancelledError`."""
        template = self._template(request)
        guard = Guard(self._spellings)
        rendered = self._renderer.render(
            RenderJob(
                template=template,
                messages=guard.hide(request.messages),
                bos=self._vocabulary.text(self._vocabulary.bos),
                eos=self._vocabulary.text(self._vocabulary.eos),
                thinking=request.thinking,
            ),
            is_cancelled,
        )
        formats = formats_for(template, self._vocabulary.is_token)
        opened = opened_by(rendered.generation_prompt, formats)
        asked = guard.restore(rendered.prompt)
        started, state, tags = self._started(request, asked, formats, opened)
        tokens = self._generated(asked, started, cached) or self._tokens(started)
        if not tokens:  # nothing to evaluate, so no logits to sample from: llama.cpp would abort
            raise KnownError.of(
                NoticeCode.TEMPLATE_FAILED, Action.SET_TEMPLATE, detail="the template wrote nothing"
            )
        return Prompt(tokens=tuple(tokens), formats=formats, state=state, tags=tags)

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
        started = asked
        if tags is not None:
            if opened is None:
                started = with_template_text(started, f"{tags.open}\n")
            started = with_plain_text(started, reasoning, self._spellings)
            if not answer:
                return started, State.THINKING, tags
            started = with_template_text(started, f"\n{tags.close}\n\n")
        return with_plain_text(started, answer, self._spellings), State.ANSWER, None

    def _generated(self, asked: PromptText, started: PromptText, cached: Sequence[int]) -> list[int]:
        """Returns the cached tokens when they say just this: going on from the tokens the model made is
        as if it had never stopped, while the same text may have other tokens."""
        missing = started.text[len(asked.text) :].encode()
        if not missing:
            return []
        tokens = self._tokens(asked)
        if common_prefix(cached, tokens) < len(tokens):
            return []
        for token in cached[len(tokens) :]:
            piece = self._vocabulary.piece(token)
            if not piece or not missing.startswith(piece):
                return []
            tokens.append(token)
            missing = missing[len(piece) :]
            if not missing:
                return tokens
        return []

    def _tokens(self, text: PromptText) -> list[int]:
        return tokens_of(text, self._vocabulary, self._spellings)
