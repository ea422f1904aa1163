"""When thinking has gone on long enough: its budget, a person's word, and a model that goes in circles."""

from __future__ import annotations

from collections import Counter, deque

ANSWER_TOKENS = 1024  # of the context are kept for the answer
# What the model reads as its own last thought; a block that just breaks off makes for bad answers.
LAST_THOUGHT = "\n\nI have thought long enough. I will answer now.\n"
GRAM_TOKENS, GRAM_TIMES = 64, 4
_BASE, _MODULUS = 1_000_003, (1 << 61) - 1
_OUT = pow(_BASE, GRAM_TOKENS, _MODULUS)
_MOST_CUT_TOKENS = 8  # a character has four bytes: a model that never finishes one is not waited for


def budget_for(wished: int | None, free_tokens: int) -> int:
    """Returns how many tokens may be thoughts when so many fit into the context: what was wished, else half,
    and never so many that no answer fits."""
    most = max(free_tokens - ANSWER_TOKENS, free_tokens // 4)
    return min(most, free_tokens // 2 if wished is None else wished)


class ThoughtLimit:
    """Counts thoughts, one token at a time."""

    def __init__(self, budget: int) -> None:
        self._left = budget
        self._is_hurried = False
        self._cut = 0
        self._loops = LoopGuard()

    def hurry(self) -> None:
        """Somebody wants the answer now."""
        self._is_hurried = True

    def note(self, token: int) -> bool:
        """Counts a token; True, once, when the thoughts have begun to repeat themselves."""
        self._left -= 1
        return self._loops.note(token)

    def is_reached(self, *, is_whole: bool) -> bool:
        """Whether to end here. A character is finished first."""
        if self._left > 0 and not self._is_hurried:
            return False
        self._cut += 1
        return is_whole or self._cut > _MOST_CUT_TOKENS


class LoopGuard:
    """Looks for the same long run of tokens said again and again, at a constant cost a token."""

    def __init__(self) -> None:
        self._last: deque[int] = deque()
        self._hash = 0
        self._seen: Counter[int] = Counter()
        self._is_told = False

    def note(self, token: int) -> bool:
        self._last.append(token)
        self._hash = (self._hash * _BASE + token + 1) % _MODULUS
        if len(self._last) <= GRAM_TOKENS:
            if len(self._last) < GRAM_TOKENS:
                return False
        else:
            self._hash = (self._hash - (self._last.popleft() + 1) * _OUT) % _MODULUS
        self._seen[self._hash] += 1
        if self._is_told or self._seen[self._hash] < GRAM_TIMES:
            return False
        self._is_told = True
        return True
