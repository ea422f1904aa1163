from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.worker import slot as slots
from app.engine.worker.slot import MAX_CHECKPOINTS, CacheKind, Slot
from tests.engine.worker.fakememory import FakeMemory

PLAIN, RECURRENT, WINDOW = CacheKind(), CacheKind(is_recurrent=True), CacheKind(window_tokens=4)
KINDS = [PLAIN, RECURRENT, WINDOW, CacheKind(window_tokens=3, is_recurrent=True)]


def slot_with(count: int, kind: CacheKind = PLAIN) -> tuple[Slot, FakeMemory]:
    memory = FakeMemory(kind)
    slot = Slot(memory, kind, 0)
    add(slot, memory, range(count))
    return slot, memory


def add(slot: Slot, memory: FakeMemory, tokens) -> None:
    slot.tokens.extend(tokens)
    memory.evaluate(slot.live_sequence, list(tokens))


@pytest.mark.parametrize(("prompt", "kept"), [(80, 50), (50, 49), (20, 19)])
def test_plain_attention_keeps_the_common_beginning(prompt, kept):
    slot, memory = slot_with(50)
    tokens = list(range(prompt))
    assert slot.reusable(tokens) == kept
    assert slot.reuse(tokens) == kept
    assert memory.knows(0) == slot.tokens == tokens[:kept]


def test_another_chat_keeps_nothing():
    slot, memory = slot_with(10)
    assert slot.reuse([99, 98]) == 0
    assert memory.knows(0) == []


def test_a_window_is_only_kept_when_what_it_saw_before_the_cut_is_there():
    slot, memory = slot_with(10, WINDOW)
    assert slot.reusable(list(range(12))) == 10
    assert slot.reuse([*range(8), 99]) == 0  # the four before the eighth are gone
    assert memory.knows(0) == []


def test_a_short_window_has_everything():
    slot, memory = slot_with(4, WINDOW)
    assert slot.reuse([0, 1, 99]) == 2
    assert memory.knows(0) == [0, 1]


def test_a_recurrent_state_only_goes_on():
    slot, memory = slot_with(10, RECURRENT)
    assert slot.reuse(list(range(12))) == 10
    assert slot.reuse([*range(8), 77, 78]) == 0
    assert memory.knows(0) == []


@pytest.mark.parametrize("kind", KINDS[1:])
def test_checkpoints_are_gone_back_to(kind):
    slot, memory = slot_with(6, kind)
    slot.checkpoint()
    slot.checkpoint()  # twice is once
    size = slot.size
    assert size > 0
    add(slot, memory, range(6, 20))
    branch = [*range(9), 99]
    assert slot.reusable(branch) == 6
    assert slot.reuse(branch) == 6
    assert memory.knows(0) == list(range(6))
    add(slot, memory, branch[6:])
    assert slot.size == size  # it is still there: an edit often is followed by another
    assert slot.reuse([*range(7), 98, 97]) == 6
    assert slot.reuse([0, 1, 99]) == 0
    assert slot.size == 0  # nothing of it is true any more


def test_where_everything_can_be_gone_back_to_no_checkpoint_is_made():
    slot, _ = slot_with(6, PLAIN)
    slot.checkpoint()
    assert slot.size == 0


def test_only_so_many_checkpoints_are_kept(monkeypatch):
    slot, memory = slot_with(1, RECURRENT)
    for number in range(20):
        slot.checkpoint()
        add(slot, memory, [number])
    assert slot.reusable([0, *range(9), 99]) == 0
    assert slot.reusable([0, *range(19), 99]) == 20
    assert len(slot._checkpoints) == MAX_CHECKPOINTS
    monkeypatch.setattr(slots, "CHECKPOINT_BYTES", 1)
    slot.checkpoint()
    assert len(slot._checkpoints) == 1  # the newest stays whatever it takes


def test_a_memory_that_cannot_be_copied_has_no_checkpoint():
    slot, memory = slot_with(6, RECURRENT)
    memory.refuses = True
    slot.checkpoint()
    assert slot.size == 0


@pytest.mark.parametrize("kind", [PLAIN, WINDOW])
def test_after_an_abort_memory_and_tokens_agree(kind):
    slot, memory = slot_with(3, kind)
    memory.evaluate(0, [70])
    slot.recover()
    assert memory.knows(0) == slot.tokens == [0, 1, 2]


def test_a_recurrent_state_is_not_trusted_after_an_abort():
    slot, memory = slot_with(10, RECURRENT)
    slot.recover()
    assert slot.tokens == memory.knows(0) == []
    slot, memory = slot_with(4, RECURRENT)
    slot.checkpoint()
    add(slot, memory, [4, 5])
    slot.recover()
    assert slot.tokens == memory.knows(0) == [0, 1, 2, 3]


def test_a_memory_that_lost_its_end_is_cleared():
    slot, memory = slot_with(10)
    del memory.tokens[0][5:]
    memory._recent[0] = (0, [0, 1, 2, 3, 4])
    slot.rewind(8)
    assert slot.tokens == []
    assert memory.knows(0) == []


def test_the_token_chosen_last_was_said_too():
    slot, _ = slot_with(2)
    slot.unevaluated = [7]
    assert slot.said() == [0, 1, 7]
    slot.reuse([0, 1, 7, 8])
    assert slot.said() == [0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_parked_and_woken_it_is_the_same(kind):
    slot, memory = slot_with(9, kind)
    slot.checkpoint()
    add(slot, memory, [9, 10])
    assert slot.park()
    assert slot.sequence is None
    assert memory.tokens == {}
    assert slot.reusable([*range(11), 99]) == 11
    assert slot.reusable([*range(10), 99]) == (10 if kind == PLAIN else 9)
    assert slot.wake(3)
    assert memory.knows(3) == slot.tokens == list(range(11))
    assert slot.reuse([*range(10), 99]) == (10 if kind == PLAIN else 9)


def test_a_parked_window_says_truly_how_far_back_it_goes():
    slot, _ = slot_with(4, WINDOW)
    slot.park()
    assert slot.reusable([0, 1, 99]) == 2
    slot, _ = slot_with(9, WINDOW)
    slot.park()
    assert slot.reusable([*range(8), 99]) == 0


def test_what_cannot_be_copied_is_forgotten():
    slot, memory = slot_with(5)
    memory.refuses = True
    assert not slot.park()
    assert memory.tokens == {}


def test_a_copy_that_is_refused_leaves_an_empty_slot():
    slot, memory = slot_with(5)
    assert slot.park()
    memory.refuses = True
    assert not slot.wake(0)
    assert slot.tokens == []
    assert slot.sequence == 0


@given(st.sampled_from(KINDS), st.booleans(), st.integers(1, 12))
def test_a_copy_has_a_life_of_its_own(kind, is_parked, count):
    slot, memory = slot_with(count, kind)
    slot.checkpoint()
    if is_parked:
        slot.park()
    copy = slot.copy()
    assert copy is not None
    assert copy.sequence is None
    if is_parked:
        slot.wake(0)
    slot.forget()
    assert copy.wake(1)
    assert memory.knows(1) == copy.tokens == list(range(count))


def test_nothing_can_be_copied_from_nothing():
    slot, _ = slot_with(0)
    assert slot.copy() is None


def test_a_beginning_is_shared():
    slot, memory = slot_with(10)
    other = Slot(memory, PLAIN, 1)
    other.share(slot, 6)
    assert memory.knows(1) == other.tokens == list(range(6))
    assert memory.knows(0) == list(range(10))


def test_what_is_parked_can_be_forgotten():
    slot, memory = slot_with(5, RECURRENT)
    slot.checkpoint()
    slot.park()
    slot.forget()
    assert slot.size == 0
    assert slot.reusable([0, 1, 2]) == 0
    assert slot.wake(0)
    assert memory.knows(0) == []
