from __future__ import annotations

import errno
import json
import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.notice import Action, NoticeCode
from app.errors import BugError, KnownError
from app.settings import Settings
from app.settings.schema import BY_KEY, SETTINGS
from tests.settings.faults import FailingFiles

DEFAULTS = {setting.key: setting.default for setting in SETTINGS}
# What some other version or a person may have written.
FOREIGN = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def plain(document: dict) -> str:
    """For comparing: tables in any order, and NaN is NaN."""
    return json.dumps(document, sort_keys=True, default=str)


def test_without_a_file_all_is_as_it_comes_and_none_is_made(path: Path):
    loaded = Settings.load(path)
    assert loaded.as_dict() == DEFAULTS
    assert loaded.notices == ()
    assert not path.exists()


def test_a_change_is_there_at_the_next_start(path: Path):
    changed = Settings.load(path)
    assert changed.set("sampling.temperature", 1) == 1.0
    changed.set("appearance.theme", "dark")
    changed.set("network.offline", True)
    loaded = Settings.load(path)
    assert loaded.as_dict() == changed.as_dict()
    assert loaded.number("sampling.temperature") == 1.0
    assert loaded.text("appearance.theme") == "dark"
    assert loaded.switch("network.offline") is True
    assert loaded.whole("host.linger_s") == 10


def test_the_file_is_for_people_too(path: Path):
    Settings.load(path).set("models.default", "qwen:q4")
    assert path.read_text() == 'version = 1\n\n[models]\ndefault = "qwen:q4"\n'


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.data())
def test_any_legal_values_survive_the_file(tmp_path: Path, data):
    path = tmp_path / "settings.toml"
    path.unlink(missing_ok=True)
    changed = Settings.load(path)
    for setting in data.draw(st.lists(st.sampled_from(SETTINGS), max_size=4)):
        if setting.choices:
            value = st.sampled_from(setting.choices)
        elif isinstance(setting.default, str):
            value = st.text()
        elif isinstance(setting.default, bool):
            value = st.booleans()
        elif isinstance(setting.default, int):
            value = st.integers(int(setting.minimum or 0), int(setting.maximum or 0))
        else:
            value = st.floats(setting.minimum, setting.maximum)
        changed.set(setting.key, data.draw(value))
    loaded = Settings.load(path)
    assert loaded.as_dict() == changed.as_dict()
    assert loaded.notices == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.dictionaries(st.text(), FOREIGN, max_size=4), FOREIGN)
def test_what_is_not_known_is_kept(tmp_path: Path, foreign: dict, inner: object):
    path = tmp_path / "settings.toml"
    document = {key: value for key, value in foreign.items() if key not in DEFAULTS and key != "sampling"}
    document = {**document, "version": 7, "sampling": {"mirostat": inner, "top_k": 3}}
    path.write_bytes(tomli_w.dumps(document).encode())
    changed = Settings.load(path)
    changed.set("sampling.top_p", 0.5)
    expected = {**document, "sampling": {"mirostat": inner, "top_k": 3, "top_p": 0.5}}
    assert plain(tomllib.loads(path.read_bytes().decode())) == plain(expected)
    assert changed.whole("sampling.top_k") == 3


@pytest.mark.parametrize(
    "rubbish",
    [b"= =", b"\xff\xfe", b"a = 1\na = 2", b"x" * 1000, b"a = " + b"[" * 100_000, b"a = " + b"9" * 5000],
)
def test_a_file_that_cannot_be_read_is_moved_aside(path: Path, rubbish: bytes):
    path.write_bytes(rubbish)
    loaded = Settings.load(path)
    (notice,) = loaded.notices
    assert notice.code is NoticeCode.SETTINGS_DAMAGED
    assert notice.facts["path"] == str(path)
    assert Path(str(notice.facts["backup"])).read_bytes() == rubbish
    assert loaded.as_dict() == DEFAULTS
    loaded.set("appearance.theme", "light")
    assert Settings.load(path).text("appearance.theme") == "light"
    assert Path(str(notice.facts["backup"])).read_bytes() == rubbish


def test_a_wrong_value_is_said_and_its_default_taken(path: Path):
    text = 'sampling = "hot"\n[host]\nlinger_s = -5\n[appearance]\ntheme = "dark"\n'
    path.write_text(text)
    loaded = Settings.load(path)
    assert loaded.as_dict() == {**DEFAULTS, "appearance.theme": "dark"}
    assert {notice.code for notice in loaded.notices} == {NoticeCode.SETTING_INVALID}
    wrong = {notice.facts["key"] for notice in loaded.notices}
    assert wrong == {*(key for key in DEFAULTS if key.startswith("sampling.")), "host.linger_s"}
    assert path.read_text() == text
    loaded.set("sampling.top_k", 5)
    assert Settings.load(path).whole("sampling.top_k") == 5


@pytest.mark.parametrize(
    ("key", "value"), [("host.linger_s", -1), ("host.nothing", 1), ("", "x"), ("host", 1)]
)
def test_an_illegal_change_changes_nothing(path: Path, key: str, value: object):
    loaded = Settings.load(path)
    with pytest.raises(KnownError) as raised:
        loaded.set(key, value)
    assert raised.value.notice.code is NoticeCode.SETTING_INVALID
    assert raised.value.notice.facts == {"key": key, "value": str(value)}
    assert loaded.as_dict() == DEFAULTS
    assert not path.exists()


@pytest.mark.parametrize("fail_at", range(3))
@pytest.mark.parametrize(
    ("code", "expected"),
    [(errno.ENOSPC, NoticeCode.DISK_FULL), (errno.EACCES, NoticeCode.HOME_NOT_WRITABLE)],
)
def test_a_save_that_fails_at_any_step_changes_nothing(
    path: Path, fail_at: int, code: int, expected: NoticeCode
):
    Settings.load(path).set("appearance.theme", "light")
    before = path.read_bytes()
    failing = FailingFiles(fail_at, code)
    loaded = Settings.load(path, files=failing)
    with pytest.raises(KnownError) as raised:
        loaded.set("appearance.theme", "dark")
    assert raised.value.notice.code is expected
    assert raised.value.notice.facts["path"] == str(path.parent)
    assert loaded.text("appearance.theme") == "light"
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    assert loaded.set("appearance.theme", "dark") == "dark"
    assert Settings.load(path).text("appearance.theme") == "dark"


def test_asking_for_what_is_not_there_is_a_bug(path: Path):
    loaded = Settings.load(path)
    for ask in (loaded.get, loaded.text):
        with pytest.raises(BugError):
            ask("no.such")
    for ask, key in [
        (loaded.text, "host.linger_s"),
        (loaded.whole, "sampling.top_p"),
        (loaded.number, "sampling.top_k"),
        (loaded.switch, "models.default"),
    ]:
        with pytest.raises(BugError):
            ask(key)
    assert loaded.get("host.linger_s") == BY_KEY["host.linger_s"].default


def test_a_place_that_is_no_file_is_said(path: Path):
    path.mkdir()
    with pytest.raises(KnownError) as raised:
        Settings.load(path)
    assert raised.value.notice.code is NoticeCode.HOME_NOT_WRITABLE
    assert Action.RETRY in raised.value.notice.actions


def test_a_broken_file_that_cannot_be_moved_is_not_overwritten(path: Path, monkeypatch: pytest.MonkeyPatch):
    path.write_bytes(b"= =")

    def denied(self: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(Path, "rename", denied)
    with pytest.raises(KnownError):
        Settings.load(path)
    assert path.read_bytes() == b"= ="


def test_an_older_file_is_migrated_with_a_copy_made_before_the_first_save(path: Path):
    def darker(document):
        return {**document, "appearance": {"theme": "dark"}}

    path.write_text('# mine\n[appearance]\ntheme = "light"\n')
    old = path.read_bytes()
    loaded = Settings.load(path, steps=(darker,))
    assert loaded.text("appearance.theme") == "dark"
    assert [file.name for file in path.parent.iterdir()] == ["settings.toml"]
    loaded.set("sampling.top_k", 7)
    loaded.set("sampling.top_k", 8)
    assert path.with_name("settings.version-1.toml").read_bytes() == old
    assert tomllib.loads(path.read_text()) == {
        "appearance": {"theme": "dark"},
        "sampling": {"top_k": 8},
        "version": 2,
    }
    assert Settings.load(path, steps=(darker,)).as_dict() == loaded.as_dict()


def test_a_migration_whose_copy_fails_changes_nothing(path: Path):
    path.write_text("[host]\nlinger_s = 5\n")
    old = path.read_bytes()
    loaded = Settings.load(path, files=FailingFiles(1), steps=(lambda document: {"host": {"linger_s": 6}},))
    with pytest.raises(KnownError):
        loaded.set("sampling.top_k", 7)
    assert path.read_bytes() == old
    loaded.set("sampling.top_k", 7)
    assert path.with_name("settings.version-1.toml").read_bytes() == old
