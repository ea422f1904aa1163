"""The window's own process beside a host of its own: what somebody in front of it sees of kills and closing.

One answer is being written each time, and one line is being typed; neither may be lost.
"""

from __future__ import annotations

import pytest

from tests.e2e.processes import kill
from tests.e2e.windows import Desk
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

WORDS = " ".join(f"word{number}" for number in range(1, 81))
PAUSE_MS = 20
SLOW = f"/slow {PAUSE_MS} {WORDS}"
DRAFT = "and what I was typing"


@pytest.fixture
def desk(home):
    """Engines here are processes that play a script."""
    desk = Desk(home, staged=True)
    yield desk
    desk.close()


def in_mid_answer(desk, *, after="word5"):
    """A window with an answer on its way and a line half typed."""
    window = desk.open()
    window.send(SLOW)
    window.wait_for(
        lambda seen: f"{after} " in seen.answer and seen.focus == "Your message", "an answer on its way"
    )
    window.type(DRAFT)
    seen = window.wait_for(lambda seen: seen.draft == DRAFT, "the draft")
    assert len(seen.answer) < len(WORDS)
    assert seen.button == "Stop"
    return window


def test_a_killed_engine_is_explained_and_its_answer_gone_on_with(desk):
    window = in_mid_answer(desk)
    before = desk.engines()
    kill(before)
    seen = window.wait_for(lambda seen: seen.banner, "a banner")
    assert seen.banner.startswith("The engine stopped unexpectedly (ended from outside).")
    assert "Your message and what was written of the answer are kept." in seen.banner
    assert seen.offers[0] == "Continue answer"
    assert seen.line.endswith("failed")
    assert WORDS.startswith(seen.answer)
    assert len(seen.answer) >= len("word1 word2 word3 word4 word5")
    window.press("Ctrl+G")
    seen = window.wait_for(lambda seen: seen.answer == WORDS and seen.button == "Send", "the whole answer")
    assert (seen.messages, seen.draft, seen.banner) == ([SLOW, WORDS], DRAFT, "")
    assert not set(before) & set(desk.engines())


def test_a_killed_host_comes_back_with_what_was_written(desk):
    window = in_mid_answer(desk, after="word40")
    written = window.sight.answer
    before = desk.hosts()
    kill(before)
    seen = window.wait_for(lambda seen: seen.banner.startswith("The answer was interrupted."), "a banner")
    assert seen.banner.endswith("What was written of it is kept.")
    assert seen.offers == ["Continue answer"]
    assert WORDS.startswith(seen.answer)
    lost_words = written.count(" ") - seen.answer.count(" ")
    assert lost_words * PAUSE_MS <= 1000  # it is saved every half second
    assert not set(before) & set(desk.hosts())
    window.press("Ctrl+G")
    seen = window.wait_for(lambda seen: seen.answer == WORDS and seen.button == "Send", "the whole answer")
    assert (seen.messages, seen.draft, seen.banner) == ([SLOW, WORDS], DRAFT, "")


def test_a_killed_window_loses_nothing_and_comes_back_to_where_it_was(desk):
    window = in_mid_answer(desk)
    kept = desk.home / "window.ini"
    wait_until(lambda: kept.exists() and DRAFT in kept.read_text(), what="the draft on disk")
    window.kill()
    window = desk.open()
    seen = window.wait_for(lambda seen: seen.answer == WORDS and seen.button == "Send", "the whole answer")
    assert (seen.messages, seen.draft, seen.banner) == ([SLOW, WORDS], DRAFT, "")


@pytest.mark.slow  # tests/ui/test_live.py has it in one process
def test_a_closed_window_leaves_the_answer_to_the_host(desk):
    window = in_mid_answer(desk)
    assert window.close() == 0
    (chat,) = wait_until(lambda: complete(desk), what="the whole answer without a window")
    assert chat["messages"][1]["content"] == WORDS
    window = desk.open()
    seen = window.wait_for(lambda seen: seen.messages, "the chat")
    assert (seen.messages, seen.draft, seen.banner) == ([SLOW, WORDS], DRAFT, "")
    window.press("Ctrl+Q")
    assert window.wait() == 0


def complete(desk):
    chats = desk.chats()
    return chats if all("status" not in message for chat in chats for message in chat["messages"]) else None
