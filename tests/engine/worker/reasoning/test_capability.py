from __future__ import annotations

import pytest

from app.domain.generation import EFFORTS
from app.domain.notice import NoticeCode
from app.engine.worker.reasoning.capability import Capability, Switch, probe
from app.engine.worker.reasoning.formats import formats_for
from app.engine.worker.sandbox import render
from app.engine.worker.template import Rendered, RenderJob
from app.errors import KnownError

CHAT = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
QWEN = CHAT + "{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
DEEPSEEK = CHAT + "{{ '<think>' if thinking else '</think>' }}"
R1 = CHAT + "{% if add_generation_prompt %}<think>\n{% endif %}"
OSS = CHAT + "{{ reasoning_effort or 'medium' }}<|channel|>"
GEMMA = "{% if enable_thinking %}<|think|>{% endif %}" + CHAT + "{# <|channel>thought #}"
NO_THOUGHT = Capability()


class Counted:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, job: RenderJob) -> Rendered:
        self.count += 1
        return render(job)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (CHAT, NO_THOUGHT),
        (QWEN, Capability(can_think=True, switch=Switch.TEMPLATE)),
        (DEEPSEEK, Capability(can_think=True, switch=Switch.TEMPLATE)),
        (R1, Capability(can_think=True, switch=Switch.PREFILL)),
        (OSS, Capability(can_think=True, efforts=EFFORTS)),
        (GEMMA, Capability(can_think=True, switch=Switch.TEMPLATE)),
        (CHAT + "{# enable_thinking #}", NO_THOUGHT),
        (CHAT + "{# thinking of you #}", NO_THOUGHT),
        (CHAT + "{{ 'Reasoning: ' ~ reasoning_effort if reasoning_effort else '' }}", None),
    ],
)
def test_what_a_template_can(template, expected):
    expected = expected or Capability(can_think=True, efforts=EFFORTS)
    assert probe(template, formats_for(template, lambda _: False), Counted()) == expected


def test_most_templates_need_no_rendering():
    counted = Counted()
    probe(CHAT, (), counted)
    assert counted.count == 0


def test_a_template_that_fails_is_only_read():
    def fail(_job: RenderJob) -> Rendered:
        raise KnownError.of(NoticeCode.TEMPLATE_TOO_COSTLY, limit="time")

    assert probe(QWEN, (), fail) == Capability(can_think=True)
    assert not probe(QWEN, (), fail).can_switch
