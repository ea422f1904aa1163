from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.worker.prefix import Slot, common_prefix

TOKENS = st.lists(st.integers(0, 3), max_size=40)


@given(TOKENS, TOKENS, TOKENS)
def test_common_prefix_is_the_longest(common, left, right):
    left, right = common + left, common + right
    length = common_prefix(left, right)
    assert left[:length] == right[:length]
    assert length == min(len(left), len(right)) or left[length] != right[length]


def test_common_prefix_of_text():
    assert common_prefix("prompt<think>", "prompt</s>") == len("prompt<")


class Cache:
    """Behaves as llama.cpp's caches do: `window` 0 keeps all, else only the last so many positions; a
    recurrent one refuses every cut but a whole one."""

    def __init__(self, window: int = 0, *, is_recurrent: bool = False) -> None:
        self.positions: list[int] = []
        self._window = window
        self._is_recurrent = is_recurrent

    def fill(self, count: int) -> None:
        self.positions = list(range(max(0, count - self._window) if self._window else 0, count))

    def cut(self, position: int, sequence: int = 0) -> bool:
        if self._is_recurrent and self.positions and position <= self.positions[-1]:
            return False
        self.positions = [each for each in self.positions if each < position]
        return True

    def first_position(self, sequence: int = 0) -> int:
        if not self.positions:
            return -1
        return self.positions[-1] if self._is_recurrent else self.positions[0]

    def last_position(self, sequence: int = 0) -> int:
        return self.positions[-1] if self.positions else -1

    def clear(self) -> None:
        self.positions = []


def slot_with(tokens: int, cache: Cache, window: int = 0, *, is_recurrent: bool = False) -> Slot:
    slot = Slot(cache, window, is_recurrent=is_recurrent)
    slot.tokens = list(range(tokens))
    cache.fill(tokens)
    return slot


@pytest.mark.parametrize(("prompt", "kept"), [(60, 59), (80, 50), (50, 49)])
def test_plain_attention_keeps_the_common_beginning(prompt, kept):
    cache = Cache()
    slot = slot_with(50, cache)
    prompt_tokens = list(range(prompt))
    if kept == 59:
        slot.tokens = prompt_tokens
        cache.fill(60)
    assert slot.reuse(prompt_tokens) == kept
    assert cache.last_position() == kept - 1
    assert slot.tokens == prompt_tokens[:kept]


def test_something_is_always_left_to_evaluate():
    slot = slot_with(10, Cache())
    assert slot.reuse(list(range(10))) == 9


def test_another_chat_keeps_nothing():
    cache = Cache()
    slot = slot_with(10, cache)
    assert slot.reuse([99, 98]) == 0
    assert cache.positions == []


@given(st.integers(1, 100), st.integers(0, 100), st.integers(1, 30), st.integers(0, 30))
def test_a_sliding_window_is_only_kept_when_the_window_before_the_cut_is_there(held, cut, window, extra):
    cache = Cache(window + extra)
    slot = slot_with(held, cache, window)
    kept = slot.reuse([*range(min(cut, held)), -1])
    assert kept in {0, min(cut, held)}
    if kept:
        assert cache.positions[0] <= max(0, kept - window)
        assert cache.positions[-1] == kept - 1
    else:
        assert cache.positions == []
    assert len(slot.tokens) == kept


def test_a_recurrent_state_only_goes_on():
    cache = Cache(is_recurrent=True)
    slot = slot_with(10, cache, is_recurrent=True)
    assert slot.reuse(list(range(12))) == 10
    assert slot.reuse([*range(8), 77, 78]) == 0
    assert cache.positions == []


def test_after_an_abort_memory_and_tokens_agree():
    cache = Cache()
    slot = slot_with(10, cache)
    cache.fill(14)
    slot.recover()
    assert cache.last_position() == 9
    assert len(slot.tokens) == 10


def test_a_recurrent_state_is_not_trusted_after_an_abort():
    cache = Cache(is_recurrent=True)
    slot = slot_with(10, cache, is_recurrent=True)
    slot.recover()
    assert slot.tokens == []
    assert cache.positions == []


def test_a_memory_that_lost_its_end_is_cleared():
    cache = Cache()
    slot = slot_with(10, cache)
    cache.fill(5)
    slot.rewind(8)
    assert slot.tokens == []


def test_the_token_chosen_last_was_said_too():
    slot = slot_with(2, Cache())
    slot.unevaluated = [7]
    assert slot.said() == [0, 1, 7]
    slot.reuse([0, 1, 7, 8])
    assert slot.said() == [0, 1]
