"""Every notice, action and state has words, and they keep the house's manners."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import app.domain.notice
from app.domain.chat import Message, Role
from app.domain.engine import EngineState, EngineStatus, LoadedModel
from app.domain.generation import Phase, Timings
from app.domain.notice import Action, Notice, NoticeCode
from app.domain.transfer import Transfer, TransferFile, TransferState
from app.engine.diagnosis import DeathReason
from app.engine.worker.template import Limit
from tests.ui.fake_client import LARGER, STARTER
from ui.texts import (
    action_text,
    answer_text,
    duration_text,
    engine_text,
    model_line,
    notice_words,
    phase_text,
    placement_text,
    seconds_text,
    size_text,
    thought_text,
    tokens_text,
    transfer_text,
)
from ui.texts.figures import progress_text, rough_duration_text
from ui.texts.language import LANGUAGES
from ui.texts.notices import ACTIONS, CODES, NOTICES

_FACTS = re.compile(r"^    (\w+) = \"[\w-]+\"  # ([\w, ]+)$", re.MULTILINE)


def documented_facts() -> dict[NoticeCode, tuple[str, ...]]:
    """The facts that `app/domain/notice.py` promises with each code."""
    source = Path(app.domain.notice.__file__).read_text(encoding="utf-8")
    return {NoticeCode[name]: tuple(facts.split(", ")) for name, facts in _FACTS.findall(source)}


@pytest.mark.parametrize("code", list(NoticeCode))
def test_every_notice_says_what_happened_and_what_now(code):
    words = notice_words(Notice(code=code))
    assert words.happened.endswith((".", ":", "?"))
    assert words.advice
    for text in (NOTICES[code].happened, NOTICES[code].advice):
        assert not re.search(r"!|\bplease\b|\boops\b|\bsorry\b|\berror\b", text, re.IGNORECASE)
        assert text[0].isupper() or text[0] in "{“"


@pytest.mark.parametrize("code", list(NoticeCode))
def test_words_use_only_facts_that_are_promised(code):
    used = set(re.findall(r"\{(\w+)\}", NOTICES[code].happened + NOTICES[code].advice))
    assert used <= set(documented_facts().get(code, ()))


def test_facts_are_put_in_as_people_read_them(qapp):
    facts = {"needed_bytes": 12_345_678, "free_bytes": 12, "path": "/x\n/y"}
    words = notice_words(Notice(code=NoticeCode.DISK_FULL, facts=facts))
    assert words.whole.startswith("The disk is full: 12.3 MB are needed, 12 bytes are free.")
    assert "/x /y" in words.advice
    died = notice_words(Notice(code=NoticeCode.ENGINE_DIED, facts={"reason": "crashed"}))
    assert "(it crashed)" in died.happened
    assert "(?)" in notice_words(Notice(code=NoticeCode.ENGINE_DIED)).happened


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_every_notice_and_action_is_said_in_every_language(language, spoken):
    language.choose(spoken)
    try:
        for code in NoticeCode:
            names = documented_facts().get(code, ())
            facts = {name: 7 if name.endswith(("bytes", "_tokens", "_s")) else "fact" for name in names}
            words = notice_words(Notice(code=code, facts=facts))
            assert not re.search(r"[{}?]", words.whole), code
            assert words.happened
            assert words.advice
        said = {action_text(action) for action in Action}
        assert len(said) == len(Action)
    finally:
        language.choose("en")


def test_codes_among_the_facts_have_words(qapp):
    assert set(CODES["reason"]) == set(DeathReason)
    assert set(CODES["limit"]) == set(Limit)
    # A model may be called what it likes.
    named = notice_words(Notice(code=NoticeCode.MODEL_IN_USE, facts={"model": "bug"}))
    assert named.happened == "bug is answering just now."


def test_a_brace_in_a_fact_is_only_a_brace(qapp):
    notice = Notice(code=NoticeCode.BUG, facts={"detail": "KeyError: {x!r} %n"})
    assert "KeyError: {x!r} %n" in notice_words(notice).advice


def test_every_action_has_a_label():
    assert set(ACTIONS) == set(Action)
    assert all(action_text(action) for action in Action)


@pytest.mark.parametrize(
    ("say", "wanted"),
    [
        (lambda: size_text(0), "0 bytes"),
        (lambda: size_text(98_400_000), "98.4 MB"),
        (lambda: progress_text(1_900_000_000, 5_000_000_000), "1.9 of 5.0 GB"),
        (lambda: progress_text(900_000, 5_000_000_000), "900 kB of 5.0 GB"),
        (lambda: seconds_text(84), "0.08 s"),
        (lambda: seconds_text(6200), "6.2 s"),
        (lambda: seconds_text(125_000), "2 min 5 s"),
        (lambda: duration_text(3_725), "1 h 2 min"),
        (lambda: rough_duration_text(0.2), "1 s"),
        (lambda: rough_duration_text(271), "5 min"),
        (lambda: rough_duration_text(7_300), "2 h 1 min"),
        (lambda: tokens_text(1), "1 token"),
        (lambda: tokens_text(212), "212 tokens"),
    ],
)
def test_figures(say, wanted):
    assert say() == wanted


def test_every_phase_has_words():
    said = {phase_text(phase, 1, 9) for phase in (None, *Phase)}
    assert len(said) == len(Phase)  # queued and nothing heard yet are one
    assert phase_text(Phase.PREFILL) == "Reading the chat"


@pytest.mark.parametrize("state", list(EngineState))
def test_engine_states(state):
    said = engine_text(EngineStatus(model_id="m", state=state, progress=0.5))
    assert bool(said) is (state not in (EngineState.IDLE, EngineState.STOPPING))
    assert engine_text(None) == ""


def test_models_and_where_they_are():
    assert model_line(STARTER).startswith("Small, English, only to try the app")
    assert model_line(LARGER).startswith("4.7 GB · context up to 131")
    loaded = LoadedModel(context_tokens=4096, layers=28, gpu_layers=0)
    assert placement_text(loaded).startswith("On the processor · context 4")


@pytest.mark.parametrize("state", list(TransferState))
def test_transfer_states(state):
    files = (TransferFile(filename="a", size_bytes=100, done_bytes=40),)
    notice = Notice(code=NoticeCode.DOWNLOAD_INTERRUPTED)
    transfer = Transfer(id="t", repo="o/r", quant="q", state=state, files=files, notice=notice)
    assert transfer_text(transfer)


def test_an_answer_without_figures_still_has_a_name():
    answer = Message(id="a", chat_id="c", role=Role.ASSISTANT, created_ms=0, content="x")
    assert answer_text(answer, "Model") == "Model"
    assert answer_text(answer, "") == ""
    assert thought_text(answer) == "Thoughts"
    timed = Message(
        id="a",
        chat_id="c",
        role=Role.ASSISTANT,
        created_ms=0,
        timings=Timings(predicted_n=0, reasoning_ms=900),
    )
    assert answer_text(timed, "Model") == "Model"
    assert thought_text(timed) == "Thought for 0.90 s"
