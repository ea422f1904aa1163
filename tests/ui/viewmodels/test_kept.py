"""What the window keeps of itself comes back, and what is damaged counts as nothing."""

from __future__ import annotations

from itertools import cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QByteArray

from ui.viewmodels.kept import Kept


def test_everything_comes_back(home, kept):
    kept.set_text("zoom", "1.25")
    kept.set_shape("geometry", QByteArray(b"\0\1\2"))
    kept.set_draft("c", "Hello, “world”, 100 %\n\ttab")
    kept.set_draft(None, "x")
    kept.set_draft(None, "")
    kept.save()
    again = Kept(home / "window.ini")
    assert again.text("zoom") == "1.25"
    assert again.shape("geometry") == QByteArray(b"\0\1\2")
    assert again.draft("c") == "Hello, “world”, 100 %\n\ttab"
    assert again.draft(None) == ""
    assert again.draft("unknown") == ""


def test_a_draft_is_saved_by_itself(qtbot, home, kept):
    kept.set_draft("c", "half a sentence")
    qtbot.waitUntil(lambda: Kept(home / "window.ini").draft("c") == "half a sentence")


def test_who_types_without_a_pause_is_saved_too(qtbot, home, kept):
    """A draft was saved half a second after the last key, and so not at all while one wrote."""
    words = cycle(["half", "a", "sentence"])

    def type_a_word():
        kept.set_draft("c", f"{kept.draft('c')} {next(words)}")
        return Kept(home / "window.ini").draft("c")

    qtbot.waitUntil(lambda: type_a_word().startswith(" half a sentence"))


def test_windows_of_one_home_keep_each_other_s_drafts(home, kept):
    """The one that was saved last wrote all drafts, as they were when it was opened."""
    other = Kept(home / "window.ini")
    kept.set_draft("c", "typed here")
    kept.save()
    other.set_draft("d", "typed there")
    other.save()
    again = Kept(home / "window.ini")
    assert (again.draft("c"), again.draft("d")) == ("typed here", "typed there")


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\xfe[[[", b"[drafts]\n63=@Invalid(\n", b"[drafts]\n63=7", b"drafts=text:x"]
)
def test_a_damaged_file_counts_as_empty(qapp, home, damage):
    home.mkdir()
    (home / "window.ini").write_bytes(damage)
    kept = Kept(home / "window.ini")
    assert kept.draft("c") == ""
    assert kept.text("zoom") == ""
    assert kept.shape("geometry").isEmpty()


@given(
    st.dictionaries(
        st.text(max_size=4), st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), max_size=4
    )
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_comes_back(qapp, home, drafts):
    path = home / "window.ini"
    path.unlink(missing_ok=True)
    kept = Kept(path)
    for chat_id, text in drafts.items():
        kept.set_draft(chat_id, text)
    kept.save()
    again = Kept(path)
    assert {chat_id: again.draft(chat_id) for chat_id in drafts} == drafts
