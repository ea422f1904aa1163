"""Chat templates, compiled in a process of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.notice import NoticeCode
from app.engine import templates
from app.engine.templates import TEMPLATE_BYTES, check_template
from app.errors import KnownError


def refusal(template: str, home: Path) -> tuple[NoticeCode, str]:
    with pytest.raises(KnownError) as caught:
        check_template(template, home)
    facts = caught.value.notice.facts
    return caught.value.notice.code, str(facts.get("detail", facts.get("limit")))


@pytest.mark.parametrize(
    "template", ["{{ messages }}", "mistral-v7-tekken", "{{ 1 / 0 }}", "{{ 9 ** 9 ** 9 }}"]
)
def test_a_template_that_compiles_is_fine_whatever_it_does(tmp_path: Path, template: str):
    check_template(template, tmp_path)


@pytest.mark.parametrize(
    ("template", "detail"),
    [
        ("{% for %}", "Expected an expression"),
        ("{% if x %}", "Unexpected end of template"),
        ("{% for a in b %}" * 60 + "{% endfor %}" * 60, "nested"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "depth"),
        ("{{ x | no_such_filter }}", "No filter"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, template: str, detail: str):
    code, found = refusal(template, tmp_path)
    assert code is NoticeCode.TEMPLATE_FAILED
    assert detail in found


def test_a_template_has_a_megabyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(templates, "spawn", lambda *_, **__: pytest.fail("no need to ask"))
    assert refusal("x" * (TEMPLATE_BYTES + 1), tmp_path) == (NoticeCode.TEMPLATE_FAILED, "template-size")


def test_one_that_takes_too_long_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(templates, "SECONDS", 0.0)
    assert refusal("{{ messages }}", tmp_path) == (NoticeCode.TEMPLATE_TOO_COSTLY, "time")


def test_a_helper_that_says_nothing_is_no_approval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.spawn._MODULES", dict.fromkeys(templates.Role, "this"))
    assert refusal("{{ messages }}", tmp_path)[0] is NoticeCode.TEMPLATE_TOO_COSTLY
