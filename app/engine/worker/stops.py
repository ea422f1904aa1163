"""Stop strings: the answer ends where the first of them is complete, and nothing of it is seen.

A stop string may be spread over many tokens, so text that could still become one is held back.
"""

from __future__ import annotations

from collections.abc import Iterable


def partial_suffix(text: str, word: str) -> int:
    """Returns the length of the longest end of `text` that is a beginning (not all) of `word`."""
    for length in range(min(len(word) - 1, len(text)), 0, -1):
        if text.endswith(word[:length]):
            return length
    return 0


class StopStrings:
    """Feeds text through. The cut is at the stop string that is complete first (of two that end together,
    the longer), so the result does not depend on how the text is cut into pieces."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = tuple(word for word in words if word)
        self._held = ""
        self.is_hit = False

    def feed(self, text: str) -> str:
        """Returns the text that is certain to stay. After a hit there is none."""
        if self.is_hit:
            return ""
        if not self._words:
            return text
        text = self._held + text
        cut = self._first_cut(text)
        if cut is not None:
            self.is_hit = True
            self._held = ""
            return text[:cut]
        held = max(partial_suffix(text, word) for word in self._words)
        kept = len(text) - held
        self._held = text[kept:]
        return text[:kept]

    def finish(self) -> str:
        """Returns what was held back and did not become a stop string."""
        held, self._held = self._held, ""
        return held

    def _first_cut(self, text: str) -> int | None:
        found = [(start + len(word), start) for word in self._words if (start := text.find(word)) >= 0]
        return min(found)[1] if found else None
