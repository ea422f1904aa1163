"""The rules of a grammar, and whether following them comes to an end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of `spans`: bounds, each range up to but not including every second one."""

    spans: tuple[int, ...]
    is_literal: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    token: int
    is_other: bool = False  # any but this one


@dataclass(frozen=True, slots=True)
class Call:
    rule: int


Symbol = Characters | Token | Call
Sequence = tuple[Symbol, ...]


@dataclass(slots=True)
class Rule:
    name: str
    at: int  # where in the text it is mentioned first, later where it is defined
    alternatives: list[Sequence] = field(default_factory=list)
    is_defined: bool = False
    is_loop: bool = False  # calls itself, at its end only


def endless(rules: list[Rule]) -> Rule | None:
    """Returns a rule that can come to itself again without having taken anything; None when all is well."""
    empty = nullable(rules)
    begins = [_begins(rule, empty) for rule in rules]
    for number, rule in enumerate(rules):
        if rule.is_loop:
            begins[number].discard(number)  # following it ends by itself
    callers: list[list[int]] = [[] for _ in rules]
    for number, called in enumerate(begins):
        for each in called:
            callers[each].append(number)
    # Takes away what calls nothing any more; what is left goes in circles.
    free = [number for number, called in enumerate(begins) if not called]
    left = set(range(len(rules))) - set(free)
    while free:
        done = free.pop()
        for caller in callers[done]:
            begins[caller].discard(done)
            if not begins[caller] and caller in left:
                left.discard(caller)
                free.append(caller)
    return rules[min(left)] if left else None


def nullable(rules: list[Rule]) -> set[int]:
    """Returns the rules that may take nothing at all."""
    empty: set[int] = set()
    callers: dict[int, list[tuple[int, Sequence]]] = {}
    todo = [(number, sequence) for number, rule in enumerate(rules) for sequence in rule.alternatives]
    while todo:
        number, sequence = todo.pop()
        if number in empty:
            continue
        wanted = next(
            (each for each in sequence if not isinstance(each, Call) or each.rule not in empty), None
        )
        if wanted is None:
            empty.add(number)
            todo += callers.pop(number, [])
        elif isinstance(wanted, Call):
            callers.setdefault(wanted.rule, []).append((number, sequence))
    return empty


def _begins(rule: Rule, empty: set[int]) -> set[int]:
    """Returns the rules that a rule may call before it has taken anything."""

    def calls(sequence: Sequence) -> Iterator[int]:
        for symbol in sequence:
            if not isinstance(symbol, Call):
                return
            yield symbol.rule
            if symbol.rule not in empty:
                return

    return {called for sequence in rule.alternatives for called in calls(sequence)}
