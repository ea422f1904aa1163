"""Templates of strangers: the 70 that llama.cpp knows, mutants of them, and some that mean harm.

Whatever a template does, the renderer gives a prompt or one clear notice in time, and the next one renders.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from app.domain.chat import Role
from app.domain.notice import NoticeCode
from app.engine.base import PromptMessage
from app.engine.worker.reasoning.capability import Capability, Switch, probe
from app.engine.worker.reasoning.formats import Family, formats_for, opened_by
from app.engine.worker.template import RENDER_SECONDS, Rendered, RenderJob, TemplateRenderer
from app.errors import KnownError
from app.spawn import Role as ProcessRole
from app.spawn import role_argv
from tests.llamasources import reference_templates

CHAT = (
    PromptMessage(role=Role.SYSTEM, content="Be brief."),
    PromptMessage(role=Role.USER, content="What is 2 + 2?"),
    PromptMessage(role=Role.ASSISTANT, content="4", reasoning="Two and two."),
    PromptMessage(role=Role.USER, content="And twice that?"),
)
HELLO = "{{ messages[0].content }}!"
LIMIT_SECONDS = 3 * RENDER_SECONDS  # the wall clock's limit, and the start of another helper
NEEDS_MORE = {"fireworks-ai-llama-3-firefunction-v2"}  # a list of functions
HARMFUL = (
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% set _ = range(99999) | list %}{% endfor %}",
    "{{ 10 ** (10 ** 8) }}",
    "{{ (10 ** 10000) ** 10000 }}",
    "{{ 'a' * 10 ** 10 }}",
    "{{ ['a'] * 10 ** 9 }}",
    "{{ 'x' | center(10 ** 10) }}",
    "{{ '%0*d' | format(10 ** 9, 1) }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{% for i in range(90000) %}{{ 'text' * 100 }}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{% if true %}" * 3000 + "{% endif %}" * 3000,
    "{{ " + "-" * 50_000 + "1 }}",
    "{{ " + "[" * 500 + "]" * 500 + " }}",
    "{% set a = namespace(x='a') %}{% for i in range(60) %}{% set a.x = a.x + a.x %}{% endfor %}{{ a.x }}",
    "{% set l = namespace(x=[]) %}{% for i in range(99999) %}{% set l.x = l.x + [l.x] %}{% endfor %}",
    "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "{{ range(99999) | map('string') | join(',' * 100000) }}",
    "{{ 'a' | indent(10 ** 9) }}{{ ('\n' * 99999) | indent(99999) }}",
    "{{ messages | tojson(indent=10 ** 9) }}",
    "{{ ('(' * 90000) | urlize }}{{ ('a' * 10 ** 7) | wordwrap(1) | length }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() | length + 'x' }}",
    "{{ lipsum(n=100000, min=1000, max=10000) | length }}",
    "{% import '/dev/zero' as zero %}",
    "{% include '/proc/self/environ' %}",
    "{% extends messages %}",
    "{{ raise_exception('\x00' * 10 ** 7) }}",
    "{{ strftime_now('%Y' * 10 ** 7) | length }}{{ strftime_now('%') }}{{ 1 / 0 }}",
)


@pytest.fixture
def renderer() -> Iterator[TemplateRenderer]:
    renderer = TemplateRenderer(tuple(role_argv(ProcessRole.TEMPLATE)))
    yield renderer
    renderer.close()


def outcome(renderer: TemplateRenderer, template: str) -> Rendered | KnownError:
    begun = time.monotonic()
    try:
        return renderer.render(RenderJob(template=template, messages=CHAT, bos="<s>", eos="</s>"))
    except KnownError as error:
        return sound(error)
    finally:
        assert time.monotonic() - begun < LIMIT_SECONDS


def sound(error: KnownError) -> KnownError:
    assert error.notice.code in (NoticeCode.TEMPLATE_FAILED, NoticeCode.TEMPLATE_TOO_COSTLY)
    assert len(str(error.notice.facts)) < 1000
    return error


def still_renders(renderer: TemplateRenderer) -> bool:
    return renderer.render(RenderJob(template=HELLO, messages=CHAT)).prompt == "Be brief.!"


@pytest.mark.parametrize("template", HARMFUL[10::4], ids=lambda template: template[:30])
def test_some_that_mean_harm(renderer: TemplateRenderer, template: str) -> None:
    outcome(renderer, template)
    assert still_renders(renderer)


@pytest.mark.slow
@pytest.mark.parametrize("template", HARMFUL, ids=lambda template: template[:30])
def test_all_that_mean_harm(renderer: TemplateRenderer, template: str) -> None:
    assert len(HARMFUL) == 30
    outcome(renderer, template)
    assert still_renders(renderer)


@pytest.mark.slow
def test_every_reference_template_renders(renderer: TemplateRenderer) -> None:
    templates = reference_templates()
    assert len(templates) == 70
    failed = {name for name, text in templates.items() if isinstance(outcome(renderer, text), KnownError)}
    assert failed == NEEDS_MORE


@pytest.mark.slow
def test_what_the_reference_templates_can(renderer: TemplateRenderer) -> None:
    abilities: dict[str, Capability] = {}
    for name, text in reference_templates().items():
        formats = formats_for(text, lambda _word: False)
        abilities[name] = probe(text, formats, renderer.render, "<s>", "</s>")
        if not abilities[name].can_think or name in NEEDS_MORE:
            continue
        asked = renderer.render(RenderJob(template=text, messages=CHAT))
        opened = opened_by(asked.generation_prompt, formats)
        if abilities[name].switch is Switch.PREFILL:
            assert formats[0].family is Family.BLOCK
        assert opened is None or opened in formats
    thinkers = {name for name, ability in abilities.items() if ability.can_think}
    assert {name for name in thinkers if abilities[name].efforts} >= {"openai-gpt-oss-120b"}
    assert abilities["Qwen-Qwen3-0.6B"].switch is Switch.TEMPLATE
    assert abilities["deepseek-ai-DeepSeek-V3.1"].switch is Switch.TEMPLATE
    assert abilities["deepseek-ai-DeepSeek-R1-Distill-Llama-8B"].switch is Switch.PREFILL
    assert not abilities["Qwen-Qwen2.5-7B-Instruct"].can_think
    assert len(thinkers) > 35


@pytest.mark.slow
def test_a_thousand_mutants(renderer: TemplateRenderer) -> None:
    draw = random.Random(70)
    templates = sorted(reference_templates().values())
    rendered = 0
    for _ in range(1000):
        rendered += isinstance(outcome(renderer, mutant(draw, templates)), Rendered)
    assert still_renders(renderer)
    assert 100 < rendered < 1000  # else the mutants are of no use


def mutant(draw: random.Random, templates: list[str]) -> str:
    """A template with some of its parts cut, doubled, swapped or taken from another one."""
    text = draw.choice(templates)
    for _ in range(draw.randint(1, 4)):
        a, b = sorted(draw.randint(0, len(text)) for _ in range(2))
        b = min(b, a + draw.choice((1, 5, 40, 400)))
        other = draw.choice(templates)
        start = draw.randint(0, len(other))
        part = draw.choice(("", text[a:b] * 2, other[start : start + b - a], draw.choice("{}%'\"()[]|~.-+")))
        text = text[:a] + part + text[b:]
    return text
