"""The real engine child, killed two hundred times: in every phase, at random moments, with several at once.

After each: every request has exactly one terminal event, the child and what it started are gone, and the
next request is answered by another child.
"""

from __future__ import annotations

import contextlib
import random
import signal
from collections import Counter
from collections.abc import Callable

import psutil
import pytest

from app.domain.engine import EngineState
from app.domain.generation import Phase, Sampling
from app.domain.notice import NoticeCode
from app.engine.base import Failed
from app.engine.silence import Limits
from tests.contract.engine_cases import LOOP, Opened, TinyCase, is_in_prefill
from tests.contract.test_engine import check_gone
from tests.fakes.listener import Listener, request_for
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.llama, pytest.mark.timeout(1800)]
KILLS = 200
PATIENT = Limits(forget_deaths_s=0.0)  # a child that dies again and again is started again and again
CHATS = ("one river", "two stones", "three clouds")


class Killer:
    """Brings one engine into a phase and kills its child there, again and again."""

    def __init__(self, opened: Opened, seed: int) -> None:
        self.opened = opened
        self.chance = random.Random(seed)
        self.listeners: list[Listener] = []
        self.seen: Counter[str] = Counter()  # what was going on when it was killed, and how requests ended

    def kill_in(self, reach: Callable[[Killer], float]) -> None:
        """`reach` brings it into a phase and says how long that may last."""
        longest_s = reach(self)
        wait_a_moment(self.chance.uniform(0, longest_s))
        busy = [one for one in self.listeners if not one.terminals]
        self.seen.update(str(one.phases[-1]) if one.phases else "sent" for one in busy)
        relatives = self.relatives()
        relatives[0].send_signal(signal.SIGKILL)
        if self.chance.random() < 0.5:
            self.ask_short()  # before or after anybody has noticed
        for relative in relatives:
            check_gone(relative)
        self.check_ends()
        self.opened.check_next_is_answered()
        assert self.opened.engine.status.pid != relatives[0].pid

    def check_ends(self) -> None:
        for one in self.listeners:
            end = one.end(60)
            self.seen[type(end).__name__] += 1
            if isinstance(end, Failed):
                assert (end.notice.code, end.notice.facts["signal"]) == (NoticeCode.ENGINE_DIED, "SIGKILL")
        self.listeners.clear()

    def relatives(self) -> list[psutil.Process]:
        child = psutil.Process(wait_until(lambda: self.opened.engine.status.pid, what="a child"))
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child, *child.children(recursive=True)]
        return [child]

    def ask_some(self) -> None:
        """Asks for up to three that talk until they are ended."""
        for text in CHATS[: self.chance.randint(0, len(CHATS))]:
            self.listeners.append(self.opened.ask(self.opened.case.talking(text)))

    def ask_short(self, text: str = "What now?") -> Listener:
        request = request_for(text, sampling=Sampling(temperature=0, max_tokens=4))
        self.listeners.append(self.opened.ask(request))
        return self.listeners[-1]


def load(killer: Killer) -> float:
    idle(killer)
    for relative in killer.relatives():
        relative.kill()
    killer.opened.wait_for_status(lambda status: status.state == EngineState.FAILED, "failed")
    killer.ask_short()
    killer.ask_some()
    killer.opened.wait_for_status(lambda status: status.state == EngineState.STARTING, "a start")
    return 1.0


def template(killer: Killer) -> float:
    killer.ask_some()
    killer.listeners.append(killer.opened.ask(request_for("Hello", chat_template=LOOP)))
    killer.listeners[-1].wait_for_phase(Phase.TEMPLATE, 60)
    return 0.5


def prefill(killer: Killer) -> float:
    killer.ask_some()
    killer.listeners.append(killer.opened.ask(killer.opened.case.long_prompt()))
    killer.listeners[-1].wait(is_in_prefill, "prefill", 60)
    return 0.5


def decode(killer: Killer) -> float:
    killer.ask_some()
    killer.listeners.append(killer.opened.ask(killer.opened.case.talking("four letters")))
    killer.chance.choice(killer.listeners).wait_for_text(60)
    return 0.5


def parking(killer: Killer) -> float:
    """Chats take turns, so that each is parked and woken."""
    killer.ask_some()
    for _ in range(killer.chance.randint(2, 6)):
        killer.ask_short(f"{killer.chance.choice(CHATS)} " * 300)
    killer.chance.choice(killer.listeners).wait_for_phase(Phase.PREFILL, 60)
    return 0.3


def idle(killer: Killer) -> float:
    killer.opened.wait_for_status(lambda status: status.active_requests == 0, "idle")
    return 0.1


PHASES = (load, template, prefill, decode, parking, idle)


class PatientCase(TinyCase):
    limits = PATIENT


def test_killed_two_hundred_times(opening) -> None:
    opened = opening(PatientCase())
    opened.check_next_is_answered()
    killer = Killer(opened, seed=5)
    for number in range(KILLS):
        killer.kill_in(PHASES[number % len(PHASES)])
    assert {Phase.LOADING, Phase.TEMPLATE, Phase.PREFILL, Phase.DECODE} <= set(killer.seen)
    assert killer.seen["Failed"] > KILLS
    print(f"{KILLS} kills: {dict(killer.seen)}")


def wait_a_moment(seconds: float) -> None:
    """Waits for a while that nobody chose."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: False, seconds)
