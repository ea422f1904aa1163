"""A made-up language for tests: every text is in brackets, accented and longer by two fifths.

What is seen without brackets was never given to be translated, or has no line in the catalogues; what does
not fit has too little room.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QCoreApplication

from ui.texts.language import Translator, load_catalogue

LONGER = 0.4
_ACCENTS = str.maketrans("aceinostuyACEINOSTUY", "áčéíňóšťúýÁČÉÍŇÓŠŤÚÝ")
_KEPT = re.compile(r"(\{\w+\}|%L?n)")
_WORD = 6  # letters of what makes a text longer: it may break between lines as any text does


def lengthened(text: str) -> str:
    """Returns the text in the made-up language; the fields in it stay as they are."""
    said = "".join(part if _KEPT.fullmatch(part) else part.translate(_ACCENTS) for part in _KEPT.split(text))
    more = "~" * round(len(_KEPT.sub("", text)) * LONGER)
    words = [more[place : place + _WORD] for place in range(0, len(more), _WORD)]
    joint = " " if " " in text else ""
    return f"«{said}{joint}{joint.join(words)}»"


class PseudoTranslator(Translator):
    def __init__(self, parent: QCoreApplication) -> None:
        super().__init__("en", parent)
        every = load_catalogue("vi")
        self._known = {*every.texts, *every.qt}

    def translate(self, context: str, source: str, disambiguation: str | None = None, count: int = -1) -> str:
        said = super().translate(context, source, disambiguation, count)
        return lengthened(said) if source in self._known else said
