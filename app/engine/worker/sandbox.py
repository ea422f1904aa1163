"""A chat template, rendered as its authors meant it and no further.

Templates come with models: they are foreign code. Jinja2's immutable sandbox keeps them from Python;
`template_helper` keeps them from time and memory. Used by the helper process only.
"""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Iterator
from typing import Any

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.domain.chat import Role
from app.engine.base import PromptMessage
from app.engine.worker.prefix import common_prefix
from app.engine.worker.template import Rendered, RenderJob

OUTPUT_CHARACTERS = 8 * 1024 * 1024
# What foreign code may do wrong without that being our fault.
TEMPLATE_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
)


class OutputTooLargeError(Exception):
    """The template wrote more than any prompt can be."""


class GenerationTag(Extension):
    """Swallows `{% generation %}`, which marks the answer for training and means nothing here."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> Node | list[Node]:
        parser.stream.skip(1)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def render(job: RenderJob) -> Rendered:
    """Renders the chat with and without the generation prompt. Raises what the template raises."""
    template = compiled(job.template)
    messages, prompt = _first_accepted(template, job)
    history = "".join(_pieces(template, job, messages, adds_generation_prompt=False))
    return Rendered(prompt=prompt, generation_prompt=prompt[common_prefix(prompt, history) :])


@functools.lru_cache(maxsize=8)
def compiled(source: str) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment.from_string(source)


def _first_accepted(template: jinja2.Template, job: RenderJob) -> tuple[list[PromptMessage], str]:
    """Some templates refuse a system role or two messages of one role in a row; then the same text is
    offered in a form they take. The first refusal is the one that is told."""
    as_given = list(job.messages)
    refusal: Exception | None = None
    for messages in _forms(as_given):
        try:
            return messages, "".join(_pieces(template, job, messages, adds_generation_prompt=True))
        except TEMPLATE_FAULTS as error:
            refusal = refusal or error
    assert refusal is not None
    raise refusal


def _forms(messages: list[PromptMessage]) -> Iterator[list[PromptMessage]]:
    yield messages
    seen = [messages]
    for form in (merged(messages), folded(messages), merged(folded(messages))):
        if form not in seen:
            seen.append(form)
            yield form


def merged(messages: list[PromptMessage]) -> list[PromptMessage]:
    """Joins neighbours of one role."""
    result: list[PromptMessage] = []
    for message in messages:
        if result and result[-1].role == message.role:
            last = result[-1]
            result[-1] = PromptMessage(
                role=last.role,
                content=f"{last.content}\n\n{message.content}",
                reasoning="\n\n".join(part for part in (last.reasoning, message.reasoning) if part),
            )
        else:
            result.append(message)
    return result


def folded(messages: list[PromptMessage]) -> list[PromptMessage]:
    """Puts the system text in front of the first user message."""
    system = [message.content for message in messages if message.role is Role.SYSTEM]
    rest = [message for message in messages if message.role is not Role.SYSTEM]
    first = next((i for i, message in enumerate(rest) if message.role is Role.USER), None)
    if not system or first is None:
        return messages
    content = "\n\n".join([*system, rest[first].content])
    return [*rest[:first], PromptMessage(role=Role.USER, content=content), *rest[first + 1 :]]


def _pieces(
    template: jinja2.Template, job: RenderJob, messages: list[PromptMessage], *, adds_generation_prompt: bool
) -> Iterator[str]:
    limit = OUTPUT_CHARACTERS + 4 * sum(len(message.content) for message in messages)
    pieces = template.generate(
        messages=[_as_dict(message) for message in messages],
        add_generation_prompt=adds_generation_prompt,
        bos_token=job.bos,
        eos_token=job.eos,
        # Undefined means "on" to some templates and "off" to others, under one of these two names.
        enable_thinking=job.thinking,
        thinking=job.thinking,
        **({"reasoning_effort": job.effort} if job.effort else {}),
    )
    for piece in pieces:
        limit -= len(piece)
        if limit < 0:
            raise OutputTooLargeError
        yield piece


def _as_dict(message: PromptMessage) -> dict[str, Any]:
    result: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.reasoning and message.role is Role.ASSISTANT:
        result["reasoning_content"] = result["thinking"] = message.reasoning
    return result


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # Jinja's own escapes HTML, which no model was trained on.
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)


def _strftime_now(pattern: str) -> str:
    return datetime.datetime.now().astimezone().strftime(pattern)
