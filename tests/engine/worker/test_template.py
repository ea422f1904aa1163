"""The helper process: what it renders, what it survives, and that the next render works in any case."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from app.domain.chat import Role
from app.domain.notice import Action, NoticeCode
from app.engine.base import PromptMessage
from app.engine.worker.template import RenderCancelledError, RenderJob, TemplateRenderer
from app.errors import KnownError
from app.spawn import Role as ProcessRole
from app.spawn import role_argv

HELLO = "{{ messages[0].content }}!"


@pytest.fixture
def renderer() -> Iterator[TemplateRenderer]:
    renderer = TemplateRenderer(tuple(role_argv(ProcessRole.TEMPLATE)))
    yield renderer
    renderer.close()


def job(template: str, content: str = "hi") -> RenderJob:
    return RenderJob(template=template, messages=(PromptMessage(role=Role.USER, content=content),))


def fault(renderer: TemplateRenderer, template: str) -> KnownError:
    with pytest.raises(KnownError) as caught:
        renderer.render(job(template))
    assert Action.SET_TEMPLATE in caught.value.notice.actions
    return caught.value


def test_it_renders_and_keeps_its_helper(renderer):
    assert renderer.render(job(HELLO)).prompt == "hi!"
    helper = renderer._helper
    assert renderer.render(job(HELLO, "你好" * 100_000)).prompt == "你好" * 100_000 + "!"
    assert renderer._helper is helper


def test_a_fault_of_the_template_is_told_and_costs_nothing(renderer):
    notice = fault(renderer, "{{ raise_exception('no such role') }}").notice
    assert notice.code is NoticeCode.TEMPLATE_FAILED
    assert notice.facts == {"detail": "no such role"}
    assert fault(renderer, "{{ 1 / 0 }}").notice.facts["detail"] == "division by zero"
    helper = renderer._helper
    assert renderer.render(job(HELLO)).prompt == "hi!"
    assert renderer._helper is helper


@pytest.mark.parametrize(
    ("template", "limit"),
    [
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "time",
        ),
        ("{{ 10 ** (10 ** 8) }}", "time"),
        ("{{ 'a' * 10 ** 10 }}", "memory"),
        ("{% for i in range(90000) %}{{ 'text' * 100 }}{% endfor %}", "output"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "depth"),
    ],
    ids=["nested-loops", "giant-number", "giant-string", "giant-output", "recursion"],
)
def test_a_hostile_template_ends_and_the_next_works(renderer, template, limit):
    notice = fault(renderer, template).notice
    assert notice.code is NoticeCode.TEMPLATE_TOO_COSTLY
    assert notice.facts == {"limit": limit}
    assert renderer.render(job(HELLO)).prompt == "hi!"


def test_a_cancelled_render_stops_waiting(renderer):
    renderer.start()
    with pytest.raises(RenderCancelledError):
        renderer.render(job(HELLO), lambda: True)
    assert renderer.render(job(HELLO)).prompt == "hi!"


def test_a_helper_that_does_not_start_is_told():
    renderer = TemplateRenderer((sys.executable, "-c", "pass"))
    assert fault(renderer, HELLO).notice.facts == {"detail": "the template helper did not start"}
    renderer.close()


@pytest.mark.parametrize("argv", [(), ("/nonexistent/python",)])
def test_a_helper_that_cannot_be_started_is_told(argv):
    renderer = TemplateRenderer(argv)
    renderer.start()
    assert fault(renderer, HELLO).notice.facts == {"detail": "the template helper did not start"}


def test_a_helper_that_dies_is_told_and_replaced(renderer):
    renderer.render(job(HELLO))
    renderer._helper._process.kill()
    assert fault(renderer, HELLO).notice.code is NoticeCode.TEMPLATE_TOO_COSTLY
    assert renderer.render(job(HELLO)).prompt == "hi!"


def test_a_helper_that_hangs_is_killed(monkeypatch):
    # On a machine where the helper cannot limit its own time, the wall clock does.
    monkeypatch.setattr("app.engine.worker.template.RENDER_SECONDS", 0.2)
    ready = "import sys, time; sys.stdout.buffer.write(b'\\x05\\x00\\x00\\x00ready'); sys.stdout.flush();"
    hanging = f"{ready} time.sleep(99)"
    renderer = TemplateRenderer((sys.executable, "-c", hanging))
    assert fault(renderer, HELLO).notice.facts == {"limit": "time"}
    renderer.close()


def test_a_cut_reply_is_no_reply():
    cutting = "import sys; sys.stdout.buffer.write(b'\\x05\\x00\\x00\\x00re'); sys.stdout.flush()"
    renderer = TemplateRenderer((sys.executable, "-c", cutting))
    assert fault(renderer, HELLO).notice.code is NoticeCode.TEMPLATE_FAILED
    renderer.close()
