from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.context import ContextPolicy, reserved_tokens


def test_what_is_kept_for_the_answer() -> None:
    assert reserved_tokens(4096, None, 0.25) == 1024
    assert reserved_tokens(4096, 100, 0.25) == 100
    assert reserved_tokens(4096, 100_000, 0.25) == 2048
    assert reserved_tokens(4096, None, 0) == reserved_tokens(4096, 0, 0.25) == 1


@given(st.integers(256, 2**20), st.none() | st.integers(0, 2**31), st.sampled_from(ContextPolicy))
def test_some_is_always_kept_and_never_more_than_half(
    context_tokens: int, max_tokens: int | None, policy: ContextPolicy
) -> None:
    reserved = reserved_tokens(context_tokens, max_tokens, policy.reserve_share)
    assert 1 <= reserved <= context_tokens // 2
