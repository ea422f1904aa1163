"""What the window keeps of itself comes back, and what is damaged counts as nothing."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\xfe[[[", b"[General]\ndrafts=json:{\n", b"drafts=7", b"drafts=json:[1]"]
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
