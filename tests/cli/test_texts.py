"""What the texts make of facts. That every code has one is held by tests/architecture/test_texts.py."""

from __future__ import annotations

from app.cli import texts
from app.domain.notice import Action, Notice, NoticeCode


def said(code: NoticeCode, **facts) -> str:
    return texts.sentence(Notice(code=code, facts=facts))


def test_facts_are_put_in():
    assert "“q9”" in said(NoticeCode.QUANT_NOT_FOUND, repo="a/b", quant="q9", available="q4, q8")


def test_sizes_are_readable():
    text = said(NoticeCode.DOWNLOAD_INTERRUPTED, kept_bytes=1_500_000, total_bytes=3_000_000)
    assert "1.5 MB of 3.0 MB" in text


def test_a_missing_fact_is_no_reason_to_say_nothing():
    assert said(NoticeCode.MODEL_UNSUPPORTED) == "models of the kind “?” are not supported yet."


def test_a_fact_stays_on_the_line():
    assert "\n" not in said(NoticeCode.MODEL_LOAD_FAILED, model="m", detail="one\ntwo")


def test_candidates_are_offered():
    text = said(NoticeCode.MODEL_NOT_FOUND, model="s", candidates="a:q4, a:q8")
    assert text.endswith("Did you mean one of: a:q4, a:q8?")
    assert "Did you mean" not in said(NoticeCode.MODEL_NOT_FOUND, model="s", candidates="")


def test_actions_are_hints():
    notice = Notice(code=NoticeCode.BUG, actions=(Action.RETRY, Action.OPEN_LOG))
    assert texts.hints(notice)[0] == "Try again."
