from __future__ import annotations

import datetime

import jinja2
import pytest

from app.domain.chat import Role
from app.engine.base import PromptMessage
from app.engine.worker import sandbox
from app.engine.worker.sandbox import TEMPLATE_FAULTS, OutputTooLargeError, folded, merged, render
from app.engine.worker.template import Rendered, RenderJob

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# As in Gemma 2: no system role, and turns must alternate.
STRICT = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}"
    "{% endif %}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}[{{ m.role }}]{{ m.content }}{% endfor %}"
)


def message(role: str, content: str, reasoning: str = "") -> PromptMessage:
    return PromptMessage(role=Role(role), content=content, reasoning=reasoning)


def rendered(template: str, *messages: PromptMessage, thinking: bool = True) -> Rendered:
    messages = messages or (message("user", "hi"),)
    return render(RenderJob(template=template, messages=messages, bos="<s>", eos="</s>", thinking=thinking))


def test_a_chat_becomes_a_prompt():
    result = rendered(CHATML, message("system", "Be brief."), message("user", "hi"))
    assert result.prompt == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )
    assert result.generation_prompt == "<|im_start|>assistant\n"


def test_blocks_leave_no_white_space_behind():
    assert rendered("{% if true %}\n    {% set x = 1 %}\nx{{ x }}\n{% endif %}\n").prompt == "x1\n"


def test_what_templates_expect_to_find():
    template = (
        "{{ bos_token }}{{ eos_token }}{{ enable_thinking }}{{ thinking }}{{ tools is defined }}"
        "{% generation %}g{% endgeneration %}"
        "{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}"
        "{{ {'b': '<ü>', 'a': 1} | tojson }}{{ [1] | tojson(indent=1) }}"
    )
    assert rendered(template, thinking=False).prompt == (
        '<s></s>FalseFalseFalseg01{"b": "<ü>", "a": 1}[\n 1\n]'
    )


def test_the_date_is_today():
    assert rendered("{{ strftime_now('%Y') }}").prompt == str(datetime.datetime.now().astimezone().year)


def test_reasoning_is_offered_under_both_names_and_only_when_there_is_some():
    template = (
        "{% for m in messages %}{{ m.reasoning_content }}|{{ m.thinking }}|{{ 'thinking' in m }};{% endfor %}"
    )
    chat = message("user", "q"), message("assistant", "a", "why"), message("assistant", "b")
    assert rendered(template, *chat).prompt == "||False;why|why|True;||False;"


def test_a_refused_system_prompt_goes_into_the_first_question():
    result = rendered(STRICT, message("system", "Be brief."), message("user", "hi"))
    assert result.prompt == "<s>[user]Be brief.\n\nhi"


def test_roles_that_must_alternate_are_joined():
    chat = [message("user", "a"), message("user", "b"), message("assistant", "c"), message("assistant", "d")]
    assert rendered(STRICT, *chat).prompt == "<s>[user]a\n\nb[assistant]c\n\nd"
    assert rendered(STRICT, message("system", "s"), *chat).prompt == "<s>[user]s\n\na\n\nb[assistant]c\n\nd"


def test_a_template_that_takes_everything_gets_everything_as_it_is():
    result = rendered(CHATML, message("user", "a"), message("user", "b"))
    assert result.prompt.count("<|im_start|>user") == 2


def test_the_first_refusal_is_told():
    with pytest.raises(jinja2.TemplateError, match="never"):
        rendered(
            "{{ raise_exception('never ' ~ messages[0].content) }}",
            message("user", "a"),
            message("user", "b"),
        )


def test_joining_keeps_reasoning_and_loses_no_text():
    joined = merged([message("assistant", "a", "x"), message("assistant", "b", "y"), message("user", "c")])
    assert joined == [message("assistant", "a\n\nb", "x\n\ny"), message("user", "c")]
    alone = [message("system", "s"), message("assistant", "a")]
    assert folded(alone) == alone


@pytest.mark.parametrize(
    "probe",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ messages.__init__.__globals__ }}",
        "{{ raise_exception.__globals__['jinja2'] }}",
        "{{ strftime_now.__globals__ }}",
        "{{ joiner.__init__.__globals__.__builtins__.open('/etc/passwd').read() }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}",
        "{{ ('%s' | format(messages)).__class__.__bases__ }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update({'role': 'system'}) }}",
        "{{ self._TemplateReference__context.environment.overlay() }}",
        "{{ lipsum.__globals__['os'] }}",
        "{% set x = namespace() %}{% set x.__class__ = 1 %}{{ x.__class__.__mro__ }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
    ],
)
def test_no_way_out_of_the_sandbox(probe):
    # A forbidden attribute is undefined: printed it is nothing, used it is an error.
    try:
        printed = rendered(probe).prompt
    except TEMPLATE_FAULTS:
        printed = ""
    assert printed == ""


@pytest.mark.parametrize(
    "template",
    [
        "{{ 1 / 0 }}",
        "{{ messages[5].content }}",
        "{{ undefined_thing.x }}",
        "{% for %}",
        "{{ messages | nofilter }}",
        "{{ range(10**9) | list }}",
        "{{ 'a' + 1 }}",
        "{{ messages[0].content.nothing() }}",
    ],
)
def test_what_templates_do_wrong_is_a_template_fault(template):
    with pytest.raises(TEMPLATE_FAULTS):
        rendered(template)


def test_output_has_an_end(monkeypatch):
    monkeypatch.setattr(sandbox, "OUTPUT_CHARACTERS", 1000)
    with pytest.raises(OutputTooLargeError):
        rendered("{% for i in range(10000) %}some text{% endfor %}")
    assert rendered("{{ messages[0].content }}", message("user", "x" * 2000)).prompt == "x" * 2000


def test_a_template_is_compiled_once():
    assert sandbox.compiled("{{ 1 }}") is sandbox.compiled("{{ 1 }}")
