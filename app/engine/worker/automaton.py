"""Follows a grammar's rules, character by character or token by token.

A state is a number; 0 is dead. Each step is remembered, so that following the same text again costs one
look-up a character. Knows rules, not vocabularies.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from app.domain.notice import NoticeCode
from app.engine.worker.rules import Call, Characters, Rule, Symbol, Token
from app.errors import KnownError

DEAD = 0
_EMPTY = 0  # the stack with nothing on it: the rules are fulfilled
_MOST_STACKS = 2000  # of one state
_MOST_KNOWN = 200_000  # stacks, and states
_MOST_STEPS = 500_000  # remembered
Stacks = frozenset[int]


class Automaton:
    """`start` is the state before the first character."""

    def __init__(self, rules: list[Rule]) -> None:
        # The symbols of all alternatives in a row, each alternative followed by None.
        self._symbols: list[Symbol | None] = []
        self._begins: list[list[int]] = [
            [self._lay(sequence) for sequence in rule.alternatives] for rule in rules
        ]
        self._stacks: list[tuple[int, int]] = [(-1, -1)]  # (symbol on top, number of the stack below)
        self._stack_numbers: dict[tuple[int, int], int] = {}
        self._states: list[Stacks] = [frozenset()]
        self._state_numbers: dict[Stacks, int] = {frozenset(): DEAD}
        self._steps: dict[tuple[int, str, bool], int] = {}
        self.start = self._closed((begin, _EMPTY) for begin in self._begins[0])

    def step(self, state: int, character: str, literally: bool = False) -> int:
        """Returns the state after a character. `literally` admits only what the grammar spells out."""
        key = (state, character, literally)
        after = self._steps.get(key)
        if after is None:
            if len(self._steps) >= _MOST_STEPS:
                self._steps.clear()
            after = self._steps[key] = self._step(state, ord(character), literally)
        return after

    def walk(self, state: int, text: str, literally: bool = False) -> int:
        for character in text:
            if state == DEAD:
                break
            state = self.step(state, character, literally)
        return state

    def step_token(self, state: int, token: int) -> int:
        """Returns the state after a token that the grammar names by its number."""
        onward = []
        for stack, symbol in self._tops(state):
            if isinstance(symbol, Token) and (symbol.token == token) != symbol.is_other:
                onward.append(self._behind(stack))
        return self._closed(onward) if onward else DEAD

    def named_tokens(self, state: int) -> list[Token]:
        return [symbol for _, symbol in self._tops(state) if isinstance(symbol, Token)]

    def is_complete(self, state: int) -> bool:
        """Whether the answer may end here."""
        return _EMPTY in self._states[state]

    def may_begin(self, state: int, lowest: int, highest: int) -> bool:
        """Whether any character of a range could follow."""
        return any(
            _overlaps(symbol.spans, lowest, highest)
            for _, symbol in self._tops(state)
            if isinstance(symbol, Characters)
        )

    def either(self, one: int, other: int) -> int:
        """Returns the state that is in both."""
        return self._number(self._states[one] | self._states[other])

    def _lay(self, sequence: tuple[Symbol, ...]) -> int:
        begin = len(self._symbols)
        self._symbols += (*sequence, None)
        return begin

    def _tops(self, state: int) -> list[tuple[int, Symbol | None]]:
        return [
            (stack, self._symbols[self._stacks[stack][0]]) for stack in self._states[state] if stack != _EMPTY
        ]

    def _step(self, state: int, code: int, literally: bool) -> int:
        onward = []
        for stack, symbol in self._tops(state):
            if not isinstance(symbol, Characters) or (literally and not symbol.is_literal):
                continue
            if bisect_right(symbol.spans, code) & 1:
                onward.append(self._behind(stack))
        return self._closed(onward) if onward else DEAD

    def _behind(self, stack: int) -> tuple[int, int]:
        top, below = self._stacks[stack]
        return top + 1, below

    def _closed(self, tops: Iterable[tuple[int, int]]) -> int:
        """Follows calls and ends of rules until a character or token is wanted next."""
        todo = list(tops)
        seen = set(todo)
        found: set[int] = set()
        while todo:
            at, below = todo.pop()
            symbol = self._symbols[at]
            onward: list[tuple[int, int]] = []
            if symbol is None and below == _EMPTY:
                found.add(_EMPTY)
            elif symbol is None:
                onward.append(self._stacks[below])
            elif isinstance(symbol, Call):
                # A call at the end of a rule leaves nothing to come back to.
                back = below if self._symbols[at + 1] is None else self._stack(at + 1, below)
                onward += ((begin, back) for begin in self._begins[symbol.rule])
            else:
                found.add(self._stack(at, below))
            new = [top for top in onward if top not in seen]
            seen.update(new)
            todo += new
            if len(seen) > _MOST_STACKS:
                raise _too_manifold()
        return self._number(frozenset(found))

    def _stack(self, top: int, below: int) -> int:
        number = self._stack_numbers.setdefault((top, below), len(self._stacks))
        if number == len(self._stacks):
            self._stacks.append((top, below))
            if number > _MOST_KNOWN:
                raise _too_manifold()
        return number

    def _number(self, stacks: Stacks) -> int:
        number = self._state_numbers.setdefault(stacks, len(self._states))
        if number == len(self._states):
            self._states.append(stacks)
            if number > _MOST_KNOWN:
                raise _too_manifold()
        return number


def _overlaps(spans: tuple[int, ...], lowest: int, highest: int) -> bool:
    place = bisect_right(spans, lowest)
    return bool(place & 1) or (place < len(spans) and spans[place] <= highest)


def _too_manifold() -> KnownError:
    return KnownError.of(NoticeCode.BAD_REQUEST, detail=f"grammar: > {_MOST_STACKS}")
