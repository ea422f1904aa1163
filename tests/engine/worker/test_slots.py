from __future__ import annotations

import random

import pytest

from app.engine.worker.slot import CacheKind, Slot
from app.engine.worker.slots import WORTH_KEEPING_TOKENS, WORTH_SHARING_TOKENS, Slots
from tests.engine.worker.fakememory import FakeMemory

LONG = WORTH_KEEPING_TOKENS + 10


class Bench:
    def __init__(self, kind: CacheKind = CacheKind(), *, count=2, cells=1000, park_bytes=100_000) -> None:  # noqa: B008
        self.memory = FakeMemory(kind, cells)
        self.slots = Slots(self.memory, kind, count=count, cells=cells, park_bytes=park_bytes)
        self.kept = 0

    def begin(self, prompt: list[int], answer: list[int] | None = None) -> Slot:
        """Evaluates a prompt and an answer; the slot stays busy."""
        slot = self.slots.take(prompt)
        self.kept = len(slot.tokens)
        assert self.kept < len(prompt)
        assert slot.tokens == prompt[: self.kept]
        self.add(slot, prompt[self.kept :])
        self.add(slot, answer or [])
        return slot

    def add(self, slot: Slot, tokens: list[int]) -> None:
        assert not self.slots.lacks(len(tokens))
        self.memory.evaluate(slot.live_sequence, tokens)
        slot.tokens.extend(tokens)
        assert self.memory.knows(slot.live_sequence) == slot.tokens

    def ask(self, prompt: list[int], answer: list[int] | None = None) -> int:
        self.slots.release(self.begin(prompt, answer))
        return self.kept


def chat(name: int, count: int) -> list[int]:
    return [name * 10_000 + position for position in range(count)]


def test_the_next_turn_finds_its_chat():
    bench = Bench()
    assert bench.ask(chat(1, 50), [7, 8]) == 0
    assert bench.ask([*chat(1, 50), 7, 8, 9]) == 52
    assert len(bench.slots.live()) == 1
    assert bench.slots.parked() == []


def test_another_chat_parks_the_first_which_is_found_again():
    bench = Bench()
    bench.ask(chat(1, 50))
    assert bench.ask(chat(2, 40)) == 0
    assert [slot.tokens[0] for slot in bench.slots.parked()] == [10_000]
    assert bench.ask([*chat(1, 50), 5]) == 50
    assert bench.ask([*chat(2, 40), 5]) == 40


def test_a_branch_that_is_left_is_kept():
    bench = Bench()
    bench.ask(chat(1, 20) + chat(2, LONG))
    assert bench.ask(chat(1, 20) + chat(3, LONG)) == 20
    assert bench.ask([*chat(1, 20), *chat(2, LONG), 5]) == 20 + LONG
    assert bench.ask([*chat(1, 20), *chat(3, LONG), 5]) == 20 + LONG


def test_a_branch_that_is_left_is_kept_when_another_chat_was_asked_last():
    """Parking that other chat forgot it at once: before the cut the copy was one too many."""
    bench = Bench()
    bench.ask(chat(1, 20) + chat(2, LONG))
    bench.ask(chat(5, 30))
    assert bench.ask(chat(1, 20) + chat(3, LONG)) == 20
    assert bench.ask([*chat(1, 20), *chat(2, LONG), 5]) == 20 + LONG


def test_one_chat_edited_again_and_again_keeps_no_more_than_it_may():
    bench = Bench(park_bytes=5000)
    for name in range(2, 30):
        bench.ask(chat(1, 20) + chat(name, LONG))
    parked = bench.slots.parked()
    assert 0 < sum(slot.size for slot in parked) <= 5000
    assert parked[-1].tokens[-1] == chat(28, LONG)[-1]


def test_an_answer_that_is_made_again_is_not():
    bench = Bench()
    for number in range(3):
        bench.ask(chat(1, 100), chat(5 + number, 300))
    assert bench.slots.parked() == []


def test_a_long_answer_to_a_short_question_is_kept_when_another_chat_begins_alike():
    bench = Bench()
    system = chat(9, 20)
    first = [*system, *chat(1, 20)]
    bench.ask(first, chat(5, 300))
    assert bench.ask([*system, *chat(2, 20)], [7]) == 20
    assert bench.ask([*first, *chat(5, 300), 8]) == 340


def test_thoughts_that_history_leaves_out_are_not_kept():
    bench = Bench()
    first = [*chat(1, 50), 3, 4]  # the last two open the thoughts
    bench.ask(first, chat(5, 300))
    bench.ask([*chat(1, 50), 6, 7, 8])
    bench.ask(chat(2, 10))
    assert [len(slot.tokens) for slot in bench.slots.parked()] == [53]


def test_what_another_has_whole_is_kept_once():
    bench = Bench()
    bench.ask(chat(1, 20) + chat(2, LONG))
    bench.ask(chat(1, 20))  # leaves a copy of the long one
    bench.ask(chat(3, 10))
    assert [len(slot.tokens) for slot in bench.slots.parked()] == [20 + LONG]


def test_beginnings_are_shared_with_what_is_busy():
    bench = Bench(count=3)
    busy = bench.begin(chat(1, 100))
    bench.begin([*chat(1, WORTH_SHARING_TOKENS), 7])
    assert bench.kept == WORTH_SHARING_TOKENS
    bench.begin([*chat(1, WORTH_SHARING_TOKENS - 5), 8])
    assert bench.kept == 0
    assert bench.memory.knows(busy.live_sequence) == chat(1, 100)


def test_a_state_that_cannot_be_cut_is_not_shared():
    bench = Bench(CacheKind(is_recurrent=True))
    bench.begin(chat(1, 100))
    bench.begin([*chat(1, 50), 7])
    assert bench.kept == 0


def test_the_oldest_is_forgotten_first():
    bench = Bench(park_bytes=2500)  # a token is some ten bytes of JSON
    for name in range(1, 8):
        bench.ask(chat(name, 60))
    kept = [slot.tokens[0] // 10_000 for slot in bench.slots.parked()]
    assert kept == sorted(kept)
    assert 0 < len(kept) < 6
    assert kept[-1] == 6
    assert sum(slot.size for slot in bench.slots.parked()) <= 2500


def test_slots_are_counted():
    bench = Bench(count=2)
    first, second = bench.begin(chat(1, 10)), bench.begin(chat(2, 10))
    assert not bench.slots.is_any_free()
    bench.slots.release(first)
    assert bench.slots.is_any_free()
    bench.begin(chat(3, 10))
    assert not bench.slots.is_any_free()
    bench.slots.release(second)
    assert bench.slots.is_any_free()


def test_room_is_what_busy_slots_leave():
    bench = Bench(cells=100)
    bench.ask(chat(1, 60))
    assert bench.slots.fit(100)
    slot = bench.slots.take(chat(2, 50))
    assert not bench.slots.fit(51)  # its whole prompt counts before it is evaluated
    assert bench.slots.fit(50)
    bench.memory.evaluate(slot.live_sequence, chat(2, 50))
    slot.tokens.extend(chat(2, 50))
    assert not bench.slots.lacks(50)
    assert bench.slots.lacks(51)


def test_idle_slots_make_room():
    bench = Bench(cells=100)
    bench.ask(chat(1, 60))
    assert not bench.slots.lacks(41)
    assert bench.slots.live() == []


def test_a_suspended_slot_goes_on_where_it_was():
    bench = Bench(count=2, park_bytes=0)
    slot = bench.begin(chat(1, 50), [7])
    assert bench.slots.suspend(slot)
    bench.ask(chat(2, 50))
    assert bench.slots.resume(slot)
    bench.add(slot, [8])
    assert slot.tokens == [*chat(1, 50), 7, 8]


def test_a_suspended_slot_that_was_lost_says_so():
    bench = Bench()
    slot = bench.begin(chat(1, 50))
    bench.memory.refuses = True
    assert not bench.slots.suspend(slot)
    bench.slots.release(slot)
    slot = bench.begin(chat(1, 50))
    bench.memory.refuses = False
    assert bench.slots.suspend(slot)
    bench.memory.refuses = True
    assert not bench.slots.resume(slot)
    assert slot.tokens == []


def test_a_parked_chat_that_no_longer_fits_is_read_again():
    bench = Bench(cells=100)
    bench.ask(chat(1, 90))
    bench.begin(chat(2, 40))
    bench.begin([*chat(1, 10), 5])
    assert bench.kept == 0


def test_a_copy_that_cannot_be_had_costs_only_time():
    bench = Bench()
    bench.ask(chat(1, 20) + chat(2, LONG))
    bench.memory.refuses = True
    assert bench.ask(chat(1, 20) + chat(3, LONG)) == 20
    assert bench.slots.parked() == []


def test_what_was_said_is_told_the_latest_first():
    bench = Bench(count=3)
    bench.ask(chat(1, 5))
    bench.ask(chat(2, 5))
    bench.begin(chat(3, 5))
    assert bench.slots.said() == [chat(2, 5), chat(1, 5)]


KINDS = [
    CacheKind(),
    CacheKind(window_tokens=12),
    CacheKind(is_recurrent=True),
    CacheKind(window_tokens=12, is_recurrent=True),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_memory_and_tokens_agree(kind, seed):
    """Random turns, edits, branches, suspensions and releases, on few cells: `Bench` checks every step."""
    draw = random.Random(seed)
    bench = Bench(kind, count=3, cells=160, park_bytes=draw.choice([0, 2000, 100_000]))
    busy: list[Slot] = []
    suspended: list[Slot] = []
    known: list[list[int]] = [[1]]
    for _ in range(150):
        move = draw.random()
        if move < 0.5 and bench.slots.is_any_free():
            base = draw.choice(known)
            prompt = base[: draw.randrange(1, len(base) + 1)] + [draw.randrange(9) for _ in range(5)]
            prompt = prompt[-120:] if len(prompt) > 120 else prompt
            if bench.slots.fit(len(prompt)) and not bench.slots.lacks(0):
                slot = bench.slots.take(prompt)
                while len(slot.tokens) < len(prompt):
                    slot.checkpoint()
                    step = draw.randrange(1, 30)
                    bench.add(slot, prompt[len(slot.tokens) : len(slot.tokens) + step])
                busy.append(slot)
                known.append(prompt)
        elif move < 0.7 and busy and not bench.slots.lacks(1):
            bench.add(draw.choice(busy), [draw.randrange(9)])
        elif move < 0.8 and busy:
            slot = busy.pop(draw.randrange(len(busy)))
            known.append(list(slot.tokens))
            bench.slots.release(slot)
        elif move < 0.9 and busy:
            suspended.append(busy.pop())
            assert bench.slots.suspend(suspended[-1])
        elif suspended and bench.slots.is_any_free() and bench.slots.fit(len(suspended[0].tokens)):
            busy.append(suspended.pop(0))
            assert bench.slots.resume(busy[-1])
        for slot in bench.slots.live():
            assert bench.memory.knows(slot.live_sequence) == slot.tokens
        known = known[-8:]
