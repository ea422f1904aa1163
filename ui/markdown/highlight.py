"""Colours for code, line by line as it comes: words, strings, numbers and comments of the usual languages.

Not a parser: it knows how a language writes comments and strings and which words are its own, and leaves what
it does not know as it is. In return only the lines that come are looked at, and nothing has to be imported.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from PySide6.QtGui import QSyntaxHighlighter, QTextCharFormat, QTextDocument

from ui.markdown.ink import Ink

LONGEST_LINE = 2000  # characters; longer ones are data, not code

_C_WORDS = """
abstract as async await auto bool boolean break byte case catch char class const constexpr continue default
defer delete do double dyn else enum export extends extern false final finally float fn for from func function
go goto if impl implements import in inline instanceof int interface let long match mod move mut namespace new
nil null nullptr operator override package private protected pub public readonly ref return self short signed
sizeof static struct super switch template this throw throws trait true try type typedef typename typeof
undefined union unsafe unsigned use using val var virtual void volatile when where while with yield
"""
_PYTHON_WORDS = """
and as assert async await break case class continue def del elif else except False finally for from global if
import in is lambda match None nonlocal not or pass raise return self True try while with yield
"""
_SHELL_WORDS = """
break case cd continue do done echo elif else esac exit export fi for function if in local read return set
shift source sudo then unset until while
"""
_RUBY_WORDS = """
alias and begin break case class def defined do else elsif end ensure false for function if in local module
next nil not or raise redo repeat require rescue retry return self super then true unless until when while
yield
"""
_SQL_WORDS = """
add all alter and as asc begin between by case cast check column commit constraint create cross database
default delete desc distinct drop else end exists foreign from full group having if in index inner insert into
is join key left like limit not null offset on or order outer primary references returning right rollback
select set table then union unique update using values view when where with
"""
_DATA_WORDS = "true false null yes no on off"


@dataclass(frozen=True)
class Language:
    """`spans` may go on over lines: what opens, what closes, and whether it is a comment."""

    words: str = ""
    line_comment: str = ""
    spans: tuple[tuple[str, str, bool], ...] = ()
    quotes: str = "\"'"
    any_case: bool = False


_BLOCK = ("/*", "*/", True)
_LANGUAGES = {
    "c cc cpp c++ h hpp cs csharp c# cuda dart glsl go golang groovy hlsl java kotlin kt metal objc php proto"
    " scala solidity swift v zig": Language(_C_WORDS, "//", (_BLOCK,)),
    "rs rust": Language(_C_WORDS, "//", (_BLOCK,), quotes='"'),  # 'a is a lifetime
    "javascript js jsx mjs ts tsx typescript": Language(_C_WORDS, "//", (_BLOCK, ("`", "`", False))),
    "css less scss": Language("important", "", (_BLOCK,)),
    "gyp py py3 pyi python python3 starlark": Language(
        _PYTHON_WORDS, "#", (('"""', '"""', False), ("'''", "'''", False))
    ),
    "bash console ps1 powershell sh shell zsh fish dockerfile docker make makefile cmake nginx": Language(
        _SHELL_WORDS, "#"
    ),
    "rb ruby ex elixir jl julia perl pl r": Language(_RUBY_WORDS, "#"),
    "lua": Language(_RUBY_WORDS, "--", (("--[[", "]]", True),)),
    "sql mysql postgres postgresql plsql sqlite": Language(_SQL_WORDS, "--", (_BLOCK,), any_case=True),
    "hs haskell elm": Language(
        "case class data deriving do else if import in let module of then type where", "--"
    ),
    "json json5 jsonc jsonl": Language(_DATA_WORDS, "//"),
    "yaml yml toml ini conf cfg env properties": Language(_DATA_WORDS, "#"),
    "html xml svg xhtml vue": Language("", "", (("<!--", "-->", True),)),
    "tex latex matlab": Language("begin end function for if else while", "%", quotes=""),
}
_BY_NAME = {name: language for names, language in _LANGUAGES.items() for name in names.split()}
_WORD, _STRING, _NUMBER, _COMMENT = "kv", "accent", "warn", "muted"  # tokens of the theme


class Highlighter(QSyntaxHighlighter):
    def __init__(self, document: QTextDocument, ink: Ink) -> None:
        super().__init__(document)
        self._language: Language | None = None
        self._formats = _formats(ink)

    def set_language(self, name: str) -> None:
        language = _BY_NAME.get(name.lower())
        if language is not self._language:
            self._language = language
            self.rehighlight()

    def repaint_in(self, ink: Ink) -> None:
        self._formats = _formats(ink)
        self.rehighlight()

    # Qt's side

    def highlightBlock(self, text: str) -> None:
        if self._language is None:
            return
        state = max(0, self.previousBlockState())
        if len(text) <= LONGEST_LINE:
            parts, state = parts_of(text, self._language, state)
            # Qt counts in UTF-16; most code is in the plane where that is the same.
            wide = not text.isascii() and any(ord(character) > 0xFFFF for character in text)
            for start, end, kind in parts:
                begin, length = (_utf16(text, start), _utf16(text, end)) if wide else (start, end)
                self.setFormat(begin, length - begin, self._formats[kind])
        self.setCurrentBlockState(state)


def parts_of(text: str, language: Language, state: int) -> tuple[list[tuple[int, int, str]], int]:
    """Returns what of a line has which colour, and the span it ends in (0: none); `state`: the last's."""
    found: list[tuple[int, int, str]] = []
    begin = place = 0
    while True:
        if state:
            _, closing, is_comment = language.spans[state - 1]
            end = text.find(closing, place)
            place = len(text) if end < 0 else end + len(closing)
            found.append((begin, place, _COMMENT if is_comment else _STRING))
            if end < 0:
                return found, state
            state = 0
        match = _pattern(language).search(text, place)
        if match is None:
            return found, 0
        begin, place = match.span()
        kind = match.lastgroup or ""
        if kind.startswith("span"):
            state = int(kind[4:]) + 1
        elif kind != "other":
            found.append((begin, place, kind))


@functools.cache
def _pattern(language: Language) -> re.Pattern[str]:
    rules = [
        rf"(?P<span{place}>{re.escape(opening)})" for place, (opening, _, _) in enumerate(language.spans)
    ]
    if language.line_comment:
        before = r"(?:(?<=\s)|^)" if language.line_comment in ("#", "%") else ""
        rules.append(rf"(?P<{_COMMENT}>{before}{re.escape(language.line_comment)}.*)")
    if language.quotes:
        strings = (rf"{quote}(?:\\.|[^{quote}\\])*{quote}" for quote in language.quotes)
        rules.append(rf"(?P<{_STRING}>{'|'.join(strings)})")
    rules.append(rf"(?P<{_NUMBER}>\b(?:0[xX][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?)\w*\b)")
    words = "|".join(language.words.split())
    if words:
        rules.append(rf"(?P<{_WORD}>(?<![\w.$-])(?:{words})(?![\w-]))")
    rules.append(r"(?P<other>\w+)")
    return re.compile("|".join(rules), re.IGNORECASE if language.any_case else 0)


def _formats(ink: Ink) -> dict[str, QTextCharFormat]:
    made: dict[str, QTextCharFormat] = {}
    for token in (_WORD, _STRING, _NUMBER, _COMMENT):
        made[token] = QTextCharFormat()
        made[token].setForeground(ink.color(token))
    return made


def _utf16(text: str, index: int) -> int:
    return len(text[:index].encode("utf-16-le", "surrogatepass")) // 2
