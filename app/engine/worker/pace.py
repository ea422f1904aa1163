"""How many prompt tokens are evaluated in one step: large steps are fast, small ones are felt sooner."""

from __future__ import annotations

_SIZES = (32, 64, 128, 256, 512, 1024, 2048)
_FIRST_TOKENS = 64
# Where a step can be aborted, its length only shows in how smoothly progress moves.
_ABORTABLE_SECONDS = 1.0
_WHOLE_SECONDS = 0.25


class Pace:
    """Picks the largest step that is expected to take no longer than it should."""

    def __init__(self, most_tokens: int, *, is_abortable: bool, is_fixed: bool = False) -> None:
        self._most_tokens = most_tokens
        self._seconds = _ABORTABLE_SECONDS if is_abortable else _WHOLE_SECONDS
        self._is_fixed = is_fixed
        self._tokens = most_tokens if is_fixed else min(_FIRST_TOKENS, most_tokens)

    def next_tokens(self) -> int:
        return self._tokens

    def note(self, tokens: int, seconds: float) -> None:
        """Learns from a step that took so long. Short rests of prompts say too little."""
        if self._is_fixed or tokens < _SIZES[0]:
            return
        affordable = [size for size in _SIZES if size * seconds / tokens <= self._seconds]
        self._tokens = min(affordable[-1] if affordable else _SIZES[0], self._most_tokens)
