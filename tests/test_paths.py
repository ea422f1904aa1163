from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from app import paths
from app.paths import Paths, resolve, starter_model


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a frozen app that this process is made to believe it is."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "cove"))
    return tmp_path


def test_a_given_home_comes_first_then_the_environment_then_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COVE_HOME", str(tmp_path / "environment"))
    assert resolve(tmp_path / "given").home == tmp_path / "given"
    assert resolve().home == tmp_path / "environment"
    monkeypatch.setenv("COVE_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    assert resolve().home == tmp_path / "own" / "cove"


def test_a_home_is_what_its_path_really_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert resolve(tmp_path / "link") == resolve(tmp_path / "real")
    assert resolve(tmp_path / "link").socket == resolve(tmp_path / "real").socket
    monkeypatch.chdir(tmp_path)
    assert resolve("real").home == tmp_path / "real"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("~/real").home == tmp_path / "real"


def test_everything_is_in_the_home_but_the_socket(tmp_path: Path):
    home = Paths(tmp_path)
    inside = (
        home.database,
        home.settings,
        home.models,
        home.logs,
        home.driver_cache,
        home.lock,
        home.key,
        home.address,
    )
    assert {path.parent for path in inside} == {tmp_path}
    assert not Path(home.socket).is_relative_to(tmp_path)


def test_a_socket_path_is_short_and_each_home_has_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000000")
    deep = [Paths(Path("/home") / ("đ" * 100) / ("x" * depth)) for depth in range(1, 20)]
    assert len({home.socket for home in deep}) == len(deep)
    assert max(len(os.fsencode(home.socket)) for home in deep) <= 107


def test_without_a_runtime_folder_the_socket_goes_to_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(paths.tempfile, "gettempdir", lambda: str(tmp_path))
    assert Paths(Path("/home")).runtime == tmp_path / f"cove-{os.getuid()}"


def test_windows_listens_on_a_named_pipe(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert Paths(Path("/home")).socket.startswith("\\\\.\\pipe\\cove-")


def test_a_home_is_made_private_and_making_it_again_is_harmless(tmp_path: Path):
    home = Paths(tmp_path / "deep" / "home")
    home.make()
    home.make()
    for folder in (home.home, home.models, home.logs, home.driver_cache):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_home_that_cannot_be_made_is_an_os_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        Paths(tmp_path / "file" / "home").make()


def test_the_starter_model_is_found():
    found = starter_model()
    assert found is not None
    assert found.read_bytes()[:4] == b"GGUF"


def test_an_installation_may_have_no_starter_model(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paths, "STARTER_PACKAGE", "no_such_package")
    assert starter_model() is None


def test_a_frozen_app_has_its_starter_model_beside_it(frozen: Path):
    assert starter_model() is None
    (frozen / "models").mkdir()
    (frozen / "models" / paths.STARTER_FILE).write_bytes(b"GGUF")
    assert starter_model() == frozen / "models" / paths.STARTER_FILE


def test_a_portable_app_keeps_its_data_beside_it(frozen: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("COVE_HOME")
    assert resolve().home != frozen / "data"
    (frozen / "portable").touch()
    assert resolve().home == frozen / "data"
