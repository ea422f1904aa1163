"""Every text of the window is in every language, with the same fields and in as many forms as it needs."""

from __future__ import annotations

import re
import unicodedata

import pytest

from app.settings.schema import BY_KEY
from tests.ui.texts.catalogues import FOLDER, read, readers, refreshed, wanted_texts, written
from ui.texts.language import FORMS, LANGUAGES, SYSTEM, load_catalogue

FIELD = re.compile(r"\{\w+\}|%L?n")
# The same in any language.
SAME = {"Menu", "Min-p", "Seed", "Top-k", "Top-p", "{chat} - Cove"}
# Where what is translated comes out of a table whose literals are found on their own.
TABLES = {"ui/actions.py", "ui/texts/notices.py"}
OTHERS = [code for code in LANGUAGES if code != "en"]


def forms(said):
    return said if isinstance(said, list) else [said]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_translated_and_none_is_left_over(code):
    texts, wanted = load_catalogue(code).texts, wanted_texts(code)
    lacking = sorted(text for text in wanted if not texts.get(text) or not all(forms(texts[text])))
    left = sorted(texts.keys() - wanted.keys())
    assert (lacking, left) == ([], []), f"`make texts`, then fill in resources/i18n/{code}.json"


@pytest.mark.parametrize("code", LANGUAGES)
def test_fields_agree(code):
    for text, said in load_catalogue(code).texts.items():
        for form in forms(said):
            assert sorted(FIELD.findall(form)) == sorted(FIELD.findall(text)), text


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_is_counted_has_a_form_for_every_number(code):
    wanted = 1 + max(FORMS[code](count) for count in range(200))
    texts = load_catalogue(code).texts
    for text, is_counted in wanted_texts(code).items():
        said = texts.get(text, "")
        assert (len(said) == wanted) if is_counted else isinstance(said, str), text
        assert is_counted == bool(re.search(r"%L?n", text)), text


@pytest.mark.parametrize("code", OTHERS)
def test_translations_keep_the_manner(code):
    catalogue = load_catalogue(code)
    for text, said in catalogue.texts.items():
        for form in forms(said):
            assert form == unicodedata.normalize("NFC", form.strip()), text
            assert (form[-1] in ".…?:") == (text[-1] in ".…?:"), text  # a sentence, or no sentence
            assert form != text or text in SAME, text
            assert "!" not in form
    for text, said in catalogue.qt.items():
        assert ("&" in said) == ("&" in text)


@pytest.mark.parametrize("code", OTHERS)
def test_what_one_place_says_otherwise_is_said_there(code):
    said = {(text.context, text.text) for reader in readers() for text in reader.found}
    places = load_catalogue(code).places
    assert {(place, text) for place, texts in places.items() for text in texts} <= said


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_file_is_as_make_texts_writes_it(code):
    assert (FOLDER / f"{code}.json").read_text(encoding="utf-8") == written(refreshed(code))


def test_every_text_is_there_to_be_found():
    unreadable = {place for reader in readers() for place in reader.unreadable}
    assert {place.partition(":")[0] for place in unreadable} <= TABLES
    counted = {}
    for reader in readers():
        for text in reader.found:
            assert counted.setdefault(text.text, text.is_counted) == text.is_counted, text.place


def test_the_setting_offers_every_language():
    assert BY_KEY["appearance.language"].choices == (SYSTEM, *LANGUAGES)
    assert set(FORMS) == set(LANGUAGES)
    assert {path.stem for path in FOLDER.glob("*.json")} == set(LANGUAGES)


def test_texts_are_read_from_sources():
    source = (
        "class A:\n    def f(self, n):\n"
        "        self.tr('one' ' two')\n        x = lambda: self.tr('%n', '', n)\n"
        "translate('place', 'three')\n_('place', 'four')\n'a'.translate(table)\nself.tr(words)\n"
    )
    reader = read(source, "a.py")
    assert [(text.text, text.context, text.is_counted) for text in reader.found] == [
        ("one two", "A", False),
        ("%n", "A", True),
        ("three", "place", False),
        ("four", "place", False),
    ]
    assert reader.unreadable == ["a.py:8"]
