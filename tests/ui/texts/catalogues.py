"""The texts in the sources of ui/, and the files in resources/i18n that have them in other languages.

`python -m tests.ui.texts.catalogues` (make texts) gives every file a line for each new text, empty, and takes
those away that are no longer said.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import msgspec

from ui.texts.language import LANGUAGES, Catalogue, load_catalogue

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FOLDER = ROOT / "resources" / "i18n"
# Each with the place of the text among what it is called with.
CALLS = {"tr": 0, "translate": 1, "_": 1, "QT_TRANSLATE_NOOP": 1}


class SourceText(msgspec.Struct, frozen=True):
    """`is_counted`: a number decides which form is said."""

    text: str
    context: str
    place: str
    is_counted: bool = False


class _Reader(ast.NodeVisitor):
    """Finds what is given to be translated; `unreadable` are the places where that is no literal."""

    def __init__(self, name: str) -> None:
        self.found: list[SourceText] = []
        self.unreadable: list[str] = []
        self._name = name
        self._class = ""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer, self._class = self._class, node.name
        self.generic_visit(node)
        self._class = outer

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        index = CALLS.get(called)
        if index is None or len(node.args) <= index:  # str.translate takes one argument
            return
        place = f"{self._name}:{node.lineno}"
        literals = [each.value if isinstance(each, ast.Constant) else None for each in node.args[: index + 1]]
        if not all(isinstance(each, str) for each in literals):
            self.unreadable.append(place)
            return
        context = literals[0] if index else self._class
        self.found.append(SourceText(literals[index], context, place, is_counted=len(node.args) == index + 3))


def read(source: str, name: str) -> _Reader:
    reader = _Reader(name)
    reader.visit(ast.parse(source))
    return reader


@cache
def readers() -> list[_Reader]:
    paths = sorted((ROOT / "ui").rglob("*.py"))
    return [read(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))) for path in paths]


def wanted_texts(code: str) -> dict[str, bool]:
    """What a language says in words of its own, and whether it is counted. English only has what is."""
    found = {text.text: text.is_counted for reader in readers() for text in reader.found}
    return {text: is_counted for text, is_counted in found.items() if code != "en" or is_counted}


def refreshed(code: str) -> Catalogue:
    """The catalogue with a line for every text, and for no other."""
    catalogue = load_catalogue(code)
    texts = {
        text: catalogue.texts.get(text, [""] if is_counted else "")
        for text, is_counted in wanted_texts(code).items()
    }
    return Catalogue(texts=texts, places=catalogue.places, qt=catalogue.qt)


def written(catalogue: Catalogue) -> str:
    """The file: one line a text, in alphabetical order."""
    sections = {name: _lines(getattr(catalogue, name)) for name in Catalogue.__struct_fields__}
    parts = [f'  "{name}": {{\n{lines}\n  }}' for name, lines in sections.items() if lines]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(texts: dict[str, object]) -> str:
    ordered = sorted(texts, key=lambda text: (text.casefold(), text))
    return ",\n".join(f"    {_json(text)}: {_json(texts[text])}" for text in ordered)


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def main() -> None:
    for code in LANGUAGES:
        catalogue = refreshed(code)
        (FOLDER / f"{code}.json").write_text(written(catalogue), encoding="utf-8")
        empty = [text for text, said in catalogue.texts.items() if not said or not all(said)]
        print(f"resources/i18n/{code}.json: {len(catalogue.texts)} texts, {len(empty)} to translate")


if __name__ == "__main__":
    main()
