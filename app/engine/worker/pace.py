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
        self._token_seconds: float | None = None  # of the last step that says something

    def next_tokens(self, *, is_waited_for: bool = False) -> int:
        """`is_waited_for` says that answers stand still during the step."""
        if self._is_fixed:
            return self._most_tokens
        if self._token_seconds is None:
            return min(_FIRST_TOKENS, self._most_tokens)
        seconds = _WHOLE_SECONDS if is_waited_for else self._seconds
        affordable = [size for size in _SIZES if size * self._token_seconds <= seconds]
        return min(affordable[-1] if affordable else _SIZES[0], self._most_tokens)

    def note(self, tokens: int, seconds: float) -> None:
        """Learns from a step that took so long. Short rests of prompts say too little."""
        if tokens >= _SIZES[0]:
            self._token_seconds = seconds / tokens
