"""Brings what an older version wrote into the form of this one. Pure: dict in, dict out, no file touched.

`STEPS[0]` takes version 1 to 2, and so on; a step is never edited once released.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Document = dict[str, Any]
Step = Callable[[Document], Document]

STEPS: tuple[Step, ...] = ()


def version_of(document: Document) -> int:
    """Returns the version a document says it has; one that says nothing usable is version 1."""
    found = document.get("version")
    return found if type(found) is int and found >= 1 else 1


def migrate(document: Document, steps: Sequence[Step] = STEPS) -> Document:
    """Returns the document in the newest form. One from a newer version is returned as it is."""
    found = version_of(document)
    if found > len(steps):
        return {**document, "version": found}
    for step in steps[found - 1 :]:
        document = step(document)
    return {**document, "version": len(steps) + 1}
