"""The window on a virtual screen, typed at with a keyboard as real as X has one."""

from __future__ import annotations

import pytest

from tests.e2e.processes import kill
from tests.e2e.windows import Desk, screen

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

QUESTION = "Write a long story about a dragon and a knight, in ten chapters."
DRAFT = "and what I was typing"


@pytest.fixture
def at():
    with screen() as found:
        yield found


@pytest.fixture
def desk(home, at):
    desk = Desk(home)
    yield desk
    desk.close()


@pytest.fixture
def real_desk(home, at):
    """With llama.cpp and the starter model."""
    desk = Desk(home, "llama")
    yield desk
    desk.close()


def test_from_the_first_start_to_an_answered_question(desk, at):
    window = desk.open(at=at)
    assert window.sight.headline.startswith("SmolLM2-135M-Instruct")
    window.send("What is a cove?")
    window.wait_for(
        lambda seen: seen.messages == ["What is a cove?"] * 2 and seen.button == "Send", "the answer"
    )
    window.press("Ctrl+N")
    window.wait_for(lambda seen: seen.headline, "a new chat")
    window.send("/hold another one")
    window.wait_for(lambda seen: seen.answer == "another one", "its answer")
    window.press("Esc")
    window.wait_for(lambda seen: "stopped by you" in seen.line, "the stop")
    window.press("Ctrl+K")
    window.type("cove")
    window.wait_for(lambda seen: seen.chats == ["What is a cove?"], "what is found")
    window.press("Down", "Return")
    seen = window.wait_for(lambda seen: seen.focus == "Your message", "the box")
    assert seen.messages == ["What is a cove?"] * 2
    window.press("Ctrl+Q")
    assert window.wait() == 0


@pytest.mark.llama
@pytest.mark.timeout(400)
def test_the_engine_the_host_and_the_window_are_killed_in_turn_while_a_real_model_writes(real_desk, at):
    """Each time what is there of the answer stays, and it goes on with a key."""
    window = real_desk.open(at=at)
    window.send(QUESTION)
    written = growing(window)
    kill(real_desk.engines())
    seen = window.wait_for(lambda seen: seen.banner, "a banner")
    assert seen.banner.startswith("The engine stopped unexpectedly (ended from outside).")
    assert seen.answer.startswith(written)
    window.press("Ctrl+G")
    began_with = seen.answer
    written = growing(window, after=began_with, characters=700)  # more than is said between two savings
    kill(real_desk.hosts())
    seen = window.wait_for(lambda seen: seen.banner.startswith("The answer was interrupted."), "a banner")
    assert len(seen.answer) > len(began_with)
    assert seen.answer.startswith(written[: len(seen.answer)])
    window.press("Ctrl+G")
    growing(window, after=seen.answer)
    window.type(DRAFT)
    window.wait_for(lambda seen: seen.draft == DRAFT, "the draft")
    window.wait_for(lambda seen: DRAFT in (real_desk.home / "window.ini").read_text(), "the draft on disk")
    window.kill()
    again = real_desk.open(at=at)
    after = again.wait_for(lambda now: now.answer, "the chat")
    assert after.messages[0] == QUESTION
    assert after.answer.startswith(seen.answer)
    assert after.draft == DRAFT
    if after.button == "Stop":
        again.press("Esc")
        again.wait_for(lambda now: now.button == "Send", "the stop")


def growing(window, after="", characters=40):
    """Waits until so much more of an answer is there, and returns all of it."""
    wanted = len(after) + characters
    return window.wait_for(
        lambda seen: seen.button == "Stop" and len(seen.answer) > wanted, "an answer on its way"
    ).answer
