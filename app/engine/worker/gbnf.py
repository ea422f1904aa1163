"""Reads GBNF, llama.cpp's grammar notation, into rules; says in which line one is broken.

Ours and not llama.cpp's: that one overflows its stack on deep nesting, loops for ever on recursion it does
not see, and ends the process when a token is accepted that does not fit. Whatever text this is given, it
returns rules that can be followed in bounded time or raises `GrammarError`.
https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
"""

from __future__ import annotations

import re
from collections.abc import Callable

from app.engine.worker.rules import Call, Characters, Rule, Sequence, Symbol, Token, endless, merged

ROOT = "root"
LAST_CHARACTER = 0x10FFFF
_MOST_REPEATS = 2000
_MOST_SYMBOLS = 50_000
_MOST_DEPTH = 50
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_COUNT = re.compile(r"\{[ \t]*(\d{1,9})[ \t]*(?:(,)[ \t]*(\d{1,9})?[ \t]*)?\}")
_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_ANY_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_TOKEN = re.compile(r"(!)?<(?:\[(\d{1,9})\]>|([^>\r\n]*)>)")
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", **{sign: sign for sign in '\\"[]-'}}


class GrammarError(Exception):
    """`line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line


def read(text: str, token_of: Callable[[str], int | None]) -> list[Rule]:
    """Returns the rules, the root first. `token_of` gives the token that is spelled `<text>`."""
    rules = _Reader(text, token_of).read()
    worst = endless(rules)
    if worst is not None:
        raise _error(text, worst.at, f"{worst.name} ::= {worst.name} ..")
    return rules


class _Reader:
    def __init__(self, text: str, token_of: Callable[[str], int | None]) -> None:
        self._text = text
        self._token_of = token_of
        self._at = 0
        self._depth = 0
        self._symbols = 0
        self._rules: list[Rule] = []
        self._numbers: dict[str, int] = {}

    def read(self) -> list[Rule]:
        self._number(ROOT)
        self._skip(_ANY_SPACE)
        while self._at < len(self._text):
            self._read_rule()
        for rule in self._rules:
            if not rule.is_defined:
                raise _error(self._text, rule.at, f"{rule.name} ?")
        return self._rules

    def _read_rule(self) -> None:
        name = self._match(_NAME)
        if name is None:
            raise self._error("name ::=")
        rule = self._rules[self._number(name[0])]
        if rule.is_defined:
            raise self._error(f"{rule.name} twice")
        rule.at, rule.is_defined = self._at, True
        self._skip(_SPACE)
        if not self._take("::="):
            raise self._error("::=")
        self._skip(_ANY_SPACE)
        rule.alternatives = self._alternatives(rule, _SPACE)
        if self._at < len(self._text) and self._text[self._at] not in "\r\n":
            raise self._error(repr(self._text[self._at]))
        self._skip(_ANY_SPACE)

    def _alternatives(self, rule: Rule, space: re.Pattern[str]) -> list[Sequence]:
        found = [self._sequence(rule, space)]
        while self._take("|"):
            self._skip(_ANY_SPACE)
            found.append(self._sequence(rule, space))
        return found

    def _sequence(self, rule: Rule, space: re.Pattern[str]) -> Sequence:
        items: list[Sequence] = []
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign in "*+?{":
                if not items:
                    raise self._error(sign)
                least, most = self._repeats()
                items[-1] = self._repeated(items[-1], least, most, rule)
            else:
                item = self._item(rule, sign)
                if item is None:
                    break
                items.append(item)
            self._skip(space)
        sequence = tuple(symbol for item in items for symbol in item)
        self._count(len(sequence))
        return sequence

    def _item(self, rule: Rule, sign: str) -> Sequence | None:
        """Reads what a repetition would repeat; None when there is nothing of the kind."""
        if sign == '"':
            return self._literal()
        if sign == "[":
            return (self._class(),)
        if sign == ".":
            self._at += 1
            return (Characters((0, LAST_CHARACTER + 1)),)
        if sign == "(":
            return (self._group(rule),)
        if sign in "<!":
            return (self._token(),)
        name = self._match(_NAME)
        return None if name is None else (Call(self._number(name[0])),)

    def _group(self, rule: Rule) -> Symbol:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._error(f"( > {_MOST_DEPTH}")
        self._at += 1
        self._skip(_ANY_SPACE)
        inner = self._new_rule(rule, *self._alternatives(rule, _ANY_SPACE))
        if not self._take(")"):
            raise self._error("( ..")
        self._depth -= 1
        return inner

    def _literal(self) -> Sequence:
        start = self._at
        self._at += 1
        characters = []
        while not self._take('"'):
            code = self._character(start)
            characters.append(Characters((code, code + 1), is_literal=True))
        return tuple(characters)

    def _class(self) -> Characters:
        start = self._at
        self._at += 1
        is_other = self._take("^")
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            first = last = self._character(start)
            if self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                last = self._character(start)
            ranges.append((first, last + 1))
        spans = merged(ranges)
        return Characters(_others(spans) if is_other else spans)

    def _character(self, start: int) -> int:
        sign = self._text[self._at : self._at + 1]
        if not sign:
            raise _error(self._text, start, f"{self._text[start]} ..")
        self._at += 1
        if sign != "\\":
            return ord(sign)
        escape = self._text[self._at : self._at + 1]
        self._at += 1
        if escape in _HEX_DIGITS:
            digits = self._text[self._at : self._at + _HEX_DIGITS[escape]]
            if len(digits) < _HEX_DIGITS[escape] or not re.fullmatch("[0-9a-fA-F]+", digits):
                raise self._error(f"\\{escape}{digits}")
            self._at += len(digits)
            return min(int(digits, 16), LAST_CHARACTER)
        if escape not in _ESCAPES:
            raise self._error(f"\\{escape}")
        return ord(_ESCAPES[escape])

    def _token(self) -> Token:
        found = self._match(_TOKEN)
        if found is None:
            raise self._error("< >")
        token = int(found[2]) if found[2] else self._token_of(f"<{found[3]}>")
        if token is None:
            raise self._error(found[0])
        return Token(token, is_other=found[1] is not None)

    def _repeats(self) -> tuple[int, int | None]:
        sign = self._text[self._at]
        if sign != "{":
            self._at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        found = self._match(_COUNT)
        if found is None:
            raise self._error("{")
        least = int(found[1])
        most = (int(found[3]) if found[3] else None) if found[2] else least
        if (most is not None and most < least) or max(least, most or 0) > _MOST_REPEATS:
            raise self._error(f"{found[0]} (0 .. {_MOST_REPEATS})")
        return least, most

    def _repeated(self, item: Sequence, least: int, most: int | None, rule: Rule) -> Sequence:
        """Returns `item` so many times, with new rules for the times it may be left out."""
        if not item:
            return ()
        one: Symbol = item[0] if len(item) == 1 else self._new_rule(rule, item)
        self._count(least + (most or 0))
        if most is None:
            more = self._new_rule(rule)
            loop = self._rules[more.rule]
            loop.alternatives, loop.is_loop = [(one, more), ()], True
            return (*(one,) * least, more)
        optional: Sequence = ()
        for _ in range(most - least):
            optional = (self._new_rule(rule, (one, *optional), ()),)
        return (*(one,) * least, *optional)

    def _new_rule(self, rule: Rule, *alternatives: Sequence) -> Call:
        self._rules.append(Rule(rule.name, rule.at, list(alternatives), is_defined=True))
        return Call(len(self._rules) - 1)

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self._rules)
            self._rules.append(Rule(name, self._at))
        return self._numbers[name]

    def _count(self, symbols: int) -> None:
        self._symbols += symbols
        if self._symbols > _MOST_SYMBOLS:
            raise self._error(f"> {_MOST_SYMBOLS}")

    def _take(self, sign: str) -> bool:
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def _skip(self, space: re.Pattern[str]) -> None:
        self._match(space)

    def _error(self, what: str) -> GrammarError:
        return _error(self._text, self._at, what)


def _error(text: str, at: int, what: str) -> GrammarError:
    return GrammarError(text.count("\n", 0, at) + 1, what)


def _others(spans: tuple[int, ...]) -> tuple[int, ...]:
    bounds = (*((0,) if spans[:1] != (0,) else ()), *spans[1 if spans[:1] == (0,) else 0 :])
    return bounds[:-1] if bounds[-1] > LAST_CHARACTER else (*bounds, LAST_CHARACTER + 1)
