"""The engine contract at moments nobody chose: killed and stopped at random, again and again."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from app.domain.engine import EngineState
from app.domain.notice import NoticeCode
from app.engine.base import Failed, Finished
from tests.contract.engine_cases import CASES, CHILDREN
from tests.fakes.listener import Listener
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROUNDS = 40


@pytest.mark.parametrize("name", CHILDREN)
def test_killed_at_any_moment(home: Path, name: str):
    case, moments = CASES[name], random.Random(20)
    opened = case.open(home)
    for _ in range(ROUNDS):
        request = moments.choice([case.question, case.endless, case.long_prompt])()
        asked = opened.ask(request)
        pause_s = moments.uniform(0, 1.5)
        ended = _ends_within(asked, pause_s)
        pid = opened.engine.status.pid
        if pid is not None and not ended:
            os.kill(pid, signal.SIGKILL)
        end = asked.end(60)
        if isinstance(end, Failed):
            assert end.notice.code in (NoticeCode.ENGINE_DIED, NoticeCode.ENGINE_STOPPED_FOR_GOOD)
            if end.notice.code == NoticeCode.ENGINE_STOPPED_FOR_GOOD:
                opened.engine.load()
    wait_until(lambda: opened.engine.status.state in (EngineState.READY, EngineState.FAILED), 60)
    opened.engine.load()
    wait_until(lambda: opened.engine.status.state == EngineState.READY, 60)
    opened.check_next_is_answered()
    opened.engine.close()


@pytest.mark.parametrize("name", list(CASES))
def test_stopped_at_any_moment(home: Path, name: str):
    case, moments = CASES[name], random.Random(21)
    opened = case.open(home)
    for _ in range(ROUNDS):
        asked = opened.ask(moments.choice([case.question, case.endless])())
        _ends_within(asked, moments.uniform(0, 0.5))
        opened.engine.cancel(asked.request.id)
        assert isinstance(asked.end(60), Finished)
    opened.check_next_is_answered()
    opened.engine.close()


def _ends_within(asked: Listener, seconds: float) -> bool:
    """Waits for a random while, or less when there is nothing more to wait for."""
    try:
        wait_until(lambda: asked.terminals, seconds)
    except AssertionError:
        return False
    return True
