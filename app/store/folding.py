"""Folds text so that a search finds it however it is typed: marks off, case off, unspaced scripts in pairs.

`fold` is used for what is indexed and for what is looked for, so the two can never disagree. Knows nothing of
SQL. `FOLDING` names the rules and must change with them: an index made under another name is made anew.
"""

from __future__ import annotations

import re
import unicodedata

# The Unicode tables belong to the rules: another Python may fold a newly assigned character differently.
FOLDING = f"1/{unicodedata.unidata_version}"
MAX_TERMS = 32  # of one query; nobody types more, and each costs a pass over the index

# Letters with a stroke or of another shape have no decomposition.
_LETTERS = {"đ": "d", "ł": "l", "ø": "o", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"}

# Scripts written without spaces (and Korean, whose particles stick to words): any two neighbours are a term.
_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "\uac00-\ud7af"  # Korean
    "]+"
)


class _Characters(dict[int, str]):
    """What becomes of each character once decomposed and case folded; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = folded = _fold_character(character)
        return folded


def fold(text: str) -> str:
    """Returns the words of `text` folded, separated by single spaces. Folding twice changes nothing."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    text = text.casefold().translate(_characters)
    text = unicodedata.normalize("NFC", text)
    return " ".join(_UNSPACED.sub(r" \g<0> ", text).split())


def index_text(text: str) -> str:
    """Returns the terms of `text` as they are indexed: words, and pairs of neighbours in unspaced scripts."""
    folded = fold(text)
    if folded.isascii():
        return folded
    return " ".join(" ".join(_pairs(word)) for word in folded.split())


def match_expression(query: str) -> str:
    """Returns the FTS5 expression that finds all words of `query`, the last as far as it is typed.

    Empty when there is nothing to look for.
    """
    words = fold(query).split()[:MAX_TERMS]
    return " AND ".join(_phrase(word, is_last=word is words[-1]) for word in words)


def _phrase(word: str, *, is_last: bool) -> str:
    is_open = is_last or _UNSPACED.match(word) is not None
    return f'"{" ".join(_pairs(word))}"' + (" *" if is_open else "")


def _pairs(word: str) -> list[str]:
    """Splits 中国人 into 中国, 国人, 人.

    The last character alone ends the run, so that looking for it (as a prefix) finds it there too.
    """
    if not _UNSPACED.match(word):
        return [word]
    return [word[at : at + 2] for at in range(len(word))]


def _fold_character(character: str) -> str:
    if character in _LETTERS:
        return _LETTERS[character]
    category = unicodedata.category(character)
    if category[0] == "M":
        # Accents, Hebrew points and Arabic vowels go; vowels of Indic and Thai script and kana voicing stay.
        order = unicodedata.combining(character)
        return "" if order == 1 or 10 <= order <= 36 or order >= 200 else character
    is_symbol = category == "So"  # emoji can be looked for
    return character if category[0] in "LN" or is_symbol else " "


_characters = _Characters()
