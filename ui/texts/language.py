"""Which language the window speaks: its words come from resources/i18n, its figures from Qt's locales.

Texts are looked up by their English words: one line a text, a list where the number decides. Views read their
words once, when they are built, so another language needs another window (`ui/application.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from PySide6.QtCore import QCoreApplication, QLocale, QTranslator

import resources

SYSTEM = "system"
LANGUAGES = {"en": "English", "vi": "Tiếng Việt"}  # each in its own words
_FOLDER = Path(resources.__file__).parent / "i18n"

Form = Callable[[int], int]
# Which of the forms in a catalogue's list goes with a number; each has as many as its last is counted.
FORMS: dict[str, Form] = {"en": lambda count: int(count != 1), "vi": lambda count: 0}


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`texts` are ours; `places` has what one context says otherwise; `qt` is of Qt's own widgets."""

    texts: dict[str, str | list[str]] = {}
    places: dict[str, dict[str, str]] = {}
    qt: dict[str, str] = {}


def load_catalogue(code: str) -> Catalogue:
    return msgspec.json.decode((_FOLDER / f"{code}.json").read_bytes(), type=Catalogue)


class Translator(QTranslator):
    """What the catalogue does not have stays as it is."""

    def __init__(self, code: str, parent: QCoreApplication) -> None:
        super().__init__(parent)
        catalogue = load_catalogue(code)
        self._texts: dict[str, str | list[str]] = {**catalogue.qt, **catalogue.texts}
        self._places = catalogue.places
        self._form = FORMS[code]

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, source: str, disambiguation: str | None = None, count: int = -1) -> str:
        said = self._places.get(context, self._texts).get(source) or self._texts.get(source, source)
        return said if isinstance(said, str) else said[self._form(count)]


class Language:
    """The language in force. One an application."""

    def __init__(self, application: QCoreApplication) -> None:
        self._application = application
        self._translator: Translator | None = None
        self._code = ""

    @property
    def code(self) -> str:
        return self._code

    def choose(self, choice: str) -> bool:
        """Follows the system, or speaks one of `LANGUAGES`; returns whether that is another than before."""
        code = choice if choice in LANGUAGES else best_of(QLocale.system().uiLanguages())
        if code == self._code:
            return False
        if self._translator is not None:
            self._application.removeTranslator(self._translator)
            self._translator.deleteLater()
        self._code = code
        self._translator = Translator(code, self._application)
        QLocale.setDefault(locale_for(code, QLocale.system()))
        self._application.installTranslator(self._translator)
        return True


def best_of(wanted: Sequence[str]) -> str:
    """Returns the first language we have of those that somebody reads ("vi-VN"); English for none."""
    spoken = (tag.replace("_", "-").partition("-")[0] for tag in wanted)
    return next((code for code in spoken if code in LANGUAGES), "en")


def locale_for(code: str, system: QLocale) -> QLocale:
    """Returns how figures are written in a language; in the system's way where it is of that language."""
    return system if QLocale.languageToCode(system.language()) == code else QLocale(code)
