"""The real engine child does not grow: hundreds of turns over more chats than it has memory for."""

from __future__ import annotations

import random

import msgspec
import psutil
import pytest

from app.domain.chat import Role
from app.domain.generation import Sampling
from app.engine.base import Finished, PromptMessage
from tests.contract.engine_cases import Opened, TinyCase
from tests.fakes.listener import request_for

pytestmark = [pytest.mark.slow, pytest.mark.llama, pytest.mark.timeout(600)]
CHATS = 10
TURNS = 300
WARM_TURNS = 100  # by then every buffer has its size
MOST_MESSAGES = 8
# Were every chat kept that another took the place of, it would be 30 MB.
MOST_GROWTH_BYTES = 8 * 1024**2


class Crowded(TinyCase):
    """Of ten chats, two or three can be parked."""

    context_tokens = 4096
    park_bytes = 1024**2


class Chat:
    def __init__(self, opened: Opened, chance: random.Random, number: int) -> None:
        self._opened = opened
        self._chance = chance
        self._messages: list[PromptMessage] = []
        self._number = number

    def take_turn(self) -> None:
        """Asks on, or something else instead of an earlier question; often that is the first."""
        if len(self._messages) >= MOST_MESSAGES or self._chance.random() < 0.3:
            del self._messages[self._chance.choice((0, 0, 2)) :]
        words = " ".join(self._chance.choices(("river", "stone", "cloud", "seven"), k=50))
        self._messages.append(PromptMessage(role=Role.USER, content=f"chat {self._number}: {words}"))
        request = request_for("", sampling=Sampling(temperature=0, max_tokens=8))
        asked = self._opened.ask(msgspec.structs.replace(request, messages=tuple(self._messages)))
        assert isinstance(asked.end(60), Finished)
        self._messages.append(PromptMessage(role=Role.ASSISTANT, content=asked.text))


def test_three_hundred_turns_over_ten_chats_take_no_more_memory(opening) -> None:
    opened, chance = opening(Crowded()), random.Random(9)
    chats = [Chat(opened, chance, number) for number in range(CHATS)]
    sizes: list[int] = []
    for _ in range(TURNS):
        chance.choice(chats).take_turn()
        sizes.append(psutil.Process(opened.engine.status.pid).memory_info().rss)
    warm, last = max(sizes[WARM_TURNS - 20 : WARM_TURNS]), max(sizes[-20:])
    print(f"RSS after {WARM_TURNS} and {TURNS} turns: {warm / 1e6:.1f} MB, {last / 1e6:.1f} MB")
    assert last - warm < MOST_GROWTH_BYTES
