"""Every notice and action is worded everywhere, and the words use only the facts that a notice has."""

from __future__ import annotations

import re
import string

import pytest

from app.cli import texts as cli_texts
from app.domain.notice import Action, NoticeCode
from tests.architecture.sources import ROOT
from ui.texts import notices as ui_texts

LINE = re.compile(r'^    ([A-Z_]+) = "[a-z-]+"(?:  # (.*))?$', re.MULTILINE)
WINDOW = {code: words.whole for code, words in ui_texts.NOTICES.items()}


def known_facts() -> dict[NoticeCode, set[str]]:
    """The facts of each code, as the comments of app/domain/notice.py list them."""
    source = (ROOT / "app" / "domain" / "notice.py").read_text(encoding="utf-8")
    found = {name: set((facts or "").split(", ")) for name, facts in LINE.findall(source)}
    return {code: found[code.name] - {""} for code in NoticeCode}


FACTS = known_facts()


@pytest.mark.parametrize("texts", [cli_texts.NOTICES, WINDOW], ids=["cli", "ui"])
@pytest.mark.parametrize("code", NoticeCode, ids=str)
def test_every_notice_is_worded_with_its_own_facts(texts, code):
    text = texts[code]
    assert text
    used = {name for _, name, _, _ in string.Formatter().parse(text) if name}
    assert used <= FACTS[code]
    assert "\n" not in text


@pytest.mark.parametrize("texts", [cli_texts.HINTS, ui_texts.ACTIONS], ids=["cli", "ui"])
def test_every_action_is_worded(texts):
    assert {action for action in Action if texts.get(action)} == set(Action)
