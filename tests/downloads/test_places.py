"""Names from the far side lead nowhere but below the models folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.notice import NoticeCode
from app.downloads.places import is_plain_name, place_for
from app.errors import KnownError

MODELS = Path("/home/me/models")


def test_a_repo_s_file_has_its_place():
    place = place_for(MODELS, "me/Thing-GGUF", "Q8_0/Thing v1.5 (a)-Q8_0-00001-of-00002.gguf")
    assert place.target == MODELS / "me/Thing-GGUF/Q8_0/Thing v1.5 (a)-Q8_0-00001-of-00002.gguf"
    assert place.part.name == place.target.name + ".part"
    assert place.journal.name == place.target.name + ".part.json"


@pytest.mark.parametrize(
    ("repo", "name"),
    [
        ("me/a", "../b.gguf"),
        ("me/a", "/etc/b.gguf"),
        ("me/a", "x/../../b.gguf"),
        ("me/a", "a\\b.gguf"),
        ("me/a", "c:b.gguf"),
        ("me/a", "b.gguf\0"),
        ("me/a", "b\n.gguf"),
        ("me/a", ".gguf"),
        ("me/a", ".hidden.gguf"),
        ("me/a", "-rf.gguf"),
        ("me/a", "x//b.gguf"),
        ("me/a", "NUL.gguf"),
        ("me/a", "com1/b.gguf"),
        ("me/a", "x./b.gguf"),
        ("me/a", "b.exe"),
        ("me/a", "b.gguf.part"),
        ("me/a", "a" * 200 + ".gguf"),
        ("me/a", "1/2/3/4/5/b.gguf"),
        ("../a", "b.gguf"),
        ("me/..", "b.gguf"),
    ],
)
def test_tricks_are_refused(repo: str, name: str):
    with pytest.raises(KnownError) as caught:
        place_for(MODELS, repo, name)
    assert caught.value.notice.code is NoticeCode.DOWNLOAD_CORRUPT


@given(st.text(max_size=20), st.text("./\\:a-gufNUL ", max_size=30))
def test_no_name_leads_out(start: str, rest: str):
    try:
        place = place_for(MODELS, "me/a", f"{start}{rest}.gguf")
    except KnownError:
        return
    assert place.target.resolve().is_relative_to(MODELS / "me" / "a")
    assert all(map(is_plain_name, place.target.relative_to(MODELS).parts))
