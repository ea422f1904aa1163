"""All tokens of a vocabulary by their text, so that those which fit a grammar are found without trying each.

Built when a grammar first refuses a token, once a model. Knows nothing of requests.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import Protocol

from app.engine.worker.automaton import DEAD, Automaton
from app.engine.worker.gbnf import LAST_CHARACTER


class Vocabulary(Protocol):
    """The part of `vocabulary.Vocabulary` that is needed here."""

    size: int
    control_ids: frozenset[int]

    def piece(self, token: int) -> bytes: ...

    def is_end(self, token: int) -> bool: ...


class Pieces:
    """`ends` are the tokens that end an answer, `control` the other control tokens, `cut` those that hold
    only a part of a character; `texts` are the others, in order."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.ends: list[int] = []
        self.control: list[int] = []
        self.cut: list[int] = []
        whole: list[tuple[str, int]] = []
        for token in range(vocabulary.size):
            piece = vocabulary.piece(token)
            if vocabulary.is_end(token):
                self.ends.append(token)
            elif token in vocabulary.control_ids:
                self.control.append(token)
            elif piece:
                try:
                    whole.append((piece.decode(), token))
                except UnicodeDecodeError:
                    self.cut.append(token)
        whole.sort()
        self.texts = [text for text, _ in whole]
        self._ids = [token for _, token in whole]

    def following(self, automaton: Automaton, state: int) -> list[int]:
        """Returns the tokens of `texts` that the automaton can follow from a state."""
        found: list[int] = []
        spans = automaton.beginnings(state)
        for first, beyond in zip(spans[::2], spans[1::2], strict=True):
            self._follow(automaton, state, self._first(first), self._first(beyond), found)
        return [self._ids[place] for place in found]

    def _first(self, code: int) -> int:
        """Returns the place of the first text that does not begin before a character."""
        return bisect_left(self.texts, chr(code)) if code <= LAST_CHARACTER else len(self.texts)

    def _follow(self, automaton: Automaton, state: int, at: int, end: int, found: list[int]) -> None:
        texts, step = self.texts, automaton.step
        before, path = "", [state]  # the text looked at last, and the states along it
        while at < end:
            text = texts[at]
            del path[_shared(before, text, len(path) - 1) + 1 :]
            before = text
            here = path[-1]
            for place in range(len(path) - 1, len(text)):
                here = step(here, text[place])
                if here == DEAD:
                    # Whatever else begins like this is dead too.
                    dead = slice(place + 1)
                    at = bisect_right(texts, text[dead], at, key=itemgetter(dead))
                    break
                path.append(here)
            else:
                found.append(at)
                at += 1


def _shared(one: str, other: str, most: int) -> int:
    """Returns how many characters two texts have in common at their beginning, at most so many."""
    count, most = 0, min(most, len(other))
    while count < most and one[count] == other[count]:
        count += 1
    return count
