"""What is wrong with a file is worded, here and in the window."""

from __future__ import annotations

import pytest

from app.cli import texts
from app.cli.faulttexts import FAULTS
from app.domain.filefault import FileFault
from app.domain.notice import Notice, NoticeCode
from ui.texts.faults import FAULTS as WINDOW
from ui.texts.notices import notice_words

REFUSED = {"path": "/a.gguf", "fault": "number", "value": "llama.block_count = 600 (1-512)"}


@pytest.mark.parametrize("words", [FAULTS, WINDOW], ids=["cli", "ui"])
def test_every_fault_is_worded(words):
    assert set(words) == set(FileFault)
    assert all(text and text[0].islower() and not text.endswith(".") for text in words.values())


def test_a_refusal_says_why_and_with_which_figures():
    line = texts.sentence(Notice(code=NoticeCode.MODEL_REFUSED, facts=REFUSED))
    assert "a number is out of range [llama.block_count = 600 (1-512)]" in line
    said = notice_words(Notice(code=NoticeCode.MODEL_REFUSED, facts=REFUSED))
    assert "/a.gguf" in said.happened
    assert "a number is out of range (llama.block_count = 600 (1-512))" in said.advice


def test_damage_is_worded_and_what_llama_said_left_as_it_is():
    for detail, expected in (("truncated", "part of it is missing"), ("invalid magic", "invalid magic")):
        notice = Notice(code=NoticeCode.MODEL_CORRUPT, facts={"path": "/a", "detail": detail})
        assert expected in texts.sentence(notice)
        assert expected in notice_words(notice).advice
