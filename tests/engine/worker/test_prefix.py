from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.engine.worker.prefix import common_prefix

TOKENS = st.lists(st.integers(0, 3), max_size=40)


@given(TOKENS, TOKENS, TOKENS)
def test_common_prefix_is_the_longest(common, left, right):
    left, right = common + left, common + right
    length = common_prefix(left, right)
    assert left[:length] == right[:length]
    assert length == min(len(left), len(right)) or left[length] != right[length]


def test_common_prefix_of_text():
    assert common_prefix("prompt<think>", "prompt</s>") == len("prompt<")
