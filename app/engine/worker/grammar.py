"""Holds an answer to a grammar: which tokens may come next, and may the answer end here.

Promises: a token is only ever followed when it fits, so the answer fits from its first token (or from its
trigger) on; nothing here reaches native code. Control tokens fit where the grammar names them or spells them
out, not where it admits "any character".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

from app.domain.generation import Trigger
from app.domain.notice import NoticeCode
from app.engine.worker import gbnf, pieces
from app.engine.worker.automaton import DEAD, Automaton
from app.engine.worker.pieces import Pieces
from app.errors import KnownError

_MOST_MASKS = 32
_PIECES: WeakKeyDictionary[Vocabulary, Pieces] = WeakKeyDictionary()
# By first byte of a character in UTF-8: how many bytes it has, and the bits of the code in the first.
_LENGTHS = [1] * 0x80 + [0] * 0x42 + [2] * 0x1E + [3] * 0x10 + [4] * 5 + [0] * 0x0B
_CONTINUING = bytes(range(0x80, 0xC0))
_FIRST_BITS = {2: 0x1F, 3: 0x0F, 4: 0x07}
Place = tuple[int, bytes]  # the automaton's state, and the bytes of a character that is not whole yet


class Vocabulary(pieces.Vocabulary, Protocol):
    def tokenize(self, text: str, *, parse_special: bool) -> list[int]: ...


class Constraint:
    """`is_waiting` for a trigger: until then everything fits."""

    def __init__(self, vocabulary: Vocabulary, text: str, triggers: Sequence[Trigger] = ()) -> None:
        self._vocabulary = vocabulary
        try:
            self._automaton = Automaton(gbnf.read(text, self._token_of))
        except gbnf.GrammarError as error:
            raise KnownError.of(NoticeCode.BAD_REQUEST, detail=f"grammar, {error}") from None
        self._place: Place = (self._automaton.start, b"")
        self._masks: dict[Place, list[int]] = {}
        self.is_waiting = bool(triggers)
        self._words = tuple(trigger.word.encode() for trigger in triggers if trigger.word)
        self._tokens = frozenset(trigger.token for trigger in triggers if trigger.token is not None)
        self._heard = b""
        self._check_triggers()

    def allows(self, token: int) -> bool:
        if self.is_waiting:
            begun = self._begun_by(token)
            return begun is None or begun[0] != DEAD
        return self._after(self._place, token)[0] != DEAD

    def accept(self, token: int) -> None:
        """Follows a token that is allowed; one that is not changes nothing."""
        if self._vocabulary.is_end(token):
            return
        if self.is_waiting:
            self._hear(token)
            return
        after = self._after(self._place, token)
        if after[0] != DEAD:
            self._place = after

    @property
    def has_mask(self) -> bool:
        """Whether `allowed` has been asked for before in the same place, and costs nothing."""
        return self._place in self._masks

    def allowed(self) -> list[int]:
        """Returns every token that is allowed now, once a trigger has been heard."""
        mask = self._masks.get(self._place)
        if mask is None:
            if len(self._masks) >= _MOST_MASKS:
                self._masks.clear()
            mask = self._masks[self._place] = self._mask()
        return mask

    def _mask(self) -> list[int]:
        index = _PIECES.get(self._vocabulary)
        if index is None:
            index = _PIECES[self._vocabulary] = Pieces(self._vocabulary)
        state, rest = self._place
        named = self._automaton.named_tokens(state)
        singly = [*index.cut, *index.control, *(index.ends if self._automaton.is_complete(state) else ())]
        singly += [each.token for each in named if 0 <= each.token < self._vocabulary.size]
        if any(each.is_other for each in named):
            singly = list(range(self._vocabulary.size))
        fitting = {token for token in singly if self._after(self._place, token)[0] != DEAD}
        if not rest:
            fitting.update(index.following(self._automaton, state))
        return sorted(fitting)

    def _after(self, place: Place, token: int) -> Place:
        state, rest = place
        if self._vocabulary.is_end(token):
            return place if self._automaton.is_complete(state) and not rest else (DEAD, b"")
        named = self._automaton.step_token(state, token) if not rest else DEAD
        spelled = self._spelled(place, self._vocabulary.piece(token), token in self._vocabulary.control_ids)
        if named == DEAD or spelled[0] == DEAD or spelled[1]:
            return (named, b"") if named != DEAD else spelled
        return (self._automaton.either(named, spelled[0]), b"")

    def _spelled(self, place: Place, piece: bytes, literally: bool) -> Place:
        cut = cut_character(place[1] + piece)
        if not piece or cut is None:
            return (DEAD, b"")
        text, rest = cut
        state = self._automaton.walk(place[0], text, literally)
        if state != DEAD and rest and not self._automaton.may_begin(state, *code_range(rest)):
            state = DEAD
        return (state, rest)

    def _hear(self, token: int) -> None:
        begun = self._begun_by(token)
        if begun is not None:
            self.is_waiting = begun[0] == DEAD
            self._place = begun if begun[0] != DEAD else self._place
            return
        longest = max(map(len, self._words), default=0)
        self._heard = (self._heard + self._vocabulary.piece(token))[-longest:] if longest else b""

    def _begun_by(self, token: int) -> Place | None:
        """Returns where the grammar is after a token that triggers it; None when it does not."""
        if token in self._tokens:
            return self._after(self._place, token)
        if self._vocabulary.is_end(token) or not self._words:
            return None
        heard = self._heard + self._vocabulary.piece(token)
        found = [(heard.find(word), word) for word in self._words if word in heard]
        if not found:
            return None
        at, _ = min(found, key=lambda each: (each[0], -len(each[1])))
        is_control = token in self._vocabulary.control_ids
        return self._spelled(self._place, heard[at:], is_control)

    def _check_triggers(self) -> None:
        for word in self._words:
            if self._spelled(self._place, word, False)[0] == DEAD:
                raise _misfit(word.decode())
        for token in self._tokens:
            if not 0 <= token < self._vocabulary.size or self._after(self._place, token)[0] == DEAD:
                raise _misfit(token)

    def _token_of(self, text: str) -> int | None:
        tokens = self._vocabulary.tokenize(text, parse_special=True)
        return tokens[0] if len(tokens) == 1 else None


def cut_character(data: bytes) -> tuple[str, bytes] | None:
    """Returns the whole characters and the beginning of another; None for what is not UTF-8."""
    for back in range(1, min(3, len(data)) + 1):
        length = _LENGTHS[data[-back]]
        if length:
            whole, rest = (data[:-back], data[-back:]) if length > back else (data, b"")
            break
    else:
        whole, rest = data, b""
    if rest and (rest[1:].strip(_CONTINUING) or (rest[:1] == b"\xed" and rest[1:2] >= b"\xa0")):
        return None
    if rest and code_range(rest)[0] > code_range(rest)[1]:
        return None
    try:
        return whole.decode(), rest
    except UnicodeDecodeError:
        return None


def code_range(rest: bytes) -> tuple[int, int]:
    """Returns the lowest and highest character that may begin with these bytes."""
    length = _LENGTHS[rest[0]]
    code = rest[0] & _FIRST_BITS[length]
    for byte in rest[1:]:
        code = code << 6 | byte & 0x3F
    missing = 6 * (length - len(rest))
    lowest = max(code << missing, {2: 0x80, 3: 0x800, 4: 0x10000}[length])
    return lowest, min((code + 1 << missing) - 1, gbnf.LAST_CHARACTER)


def _misfit(trigger: str | int) -> KnownError:
    return KnownError.of(NoticeCode.BAD_REQUEST, detail=f"grammar_triggers: {trigger!r}")
