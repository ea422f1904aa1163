from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings.migrations import STEPS, Document, migrate, version_of


def rename(document: Document) -> Document:
    return {("new" if key == "old" else key): value for key, value in document.items()}


def double(document: Document) -> Document:
    return {**document, "new": document.get("new", 0) * 2}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"old": 3}, {"new": 6, "version": 3}),
        ({"old": 3, "version": 1}, {"new": 6, "version": 3}),
        ({"new": 3, "version": 2}, {"new": 6, "version": 3}),
        ({"new": 3, "version": 3}, {"new": 3, "version": 3}),
        ({"new": 3, "version": 99}, {"new": 3, "version": 99}),
    ],
)
def test_takes_the_missing_steps_and_no_others(document: Document, expected: Document):
    before = dict(document)
    assert migrate(document, (rename, double)) == expected
    assert document == before


@pytest.mark.parametrize("said", [None, "2", True, 0, -1, 1.5, []])
def test_a_version_that_makes_no_sense_is_the_first(said: object):
    assert version_of({"version": said}) == 1


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_migrating_twice_changes_nothing(document: Document):
    assert migrate(migrate(document, STEPS), STEPS) == migrate(document, STEPS)
