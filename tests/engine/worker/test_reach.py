from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.wire import Hello
from app.engine.worker import reach
from app.engine.worker.landlock import DEVICE, READ, WRITE, Access
from app.engine.worker.reach import beside, devices, rules, shards


def granted(hello: Hello, path: Path) -> Access:
    """What the rules allow to a path, as the kernel reads them: each counts for all that is beneath."""
    found = Access(0)
    for rule in rules(hello):
        place = rule.path.resolve()
        if place == path or place in path.parents:
            found |= rule.access
    return found


@pytest.fixture
def places(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, which is where the child starts, with a model in the user's downloads."""
    (home / "drivers").mkdir(parents=True)
    (Path.home() / "downloads").mkdir()
    (Path.home() / "downloads" / "m.gguf").touch()
    monkeypatch.chdir(home)
    return home


def test_the_system_is_readable_and_people_s_files_are_not(places: Path):
    hello = Hello(files=(str(Path.home() / "downloads" / "m.gguf"),), driver_cache=str(places / "drivers"))
    assert granted(hello, Path("/usr/share/vulkan/icd.d/x.json")) & READ == READ
    assert granted(hello, Path("/proc/meminfo")) & READ == READ
    assert granted(hello, Path(reach.__file__).resolve()) & READ == READ
    for private in (
        places / "cove.db",
        Path.home() / ".ssh" / "id",
        Path.home() / "downloads" / "tax.pdf",
        *map(Path, ("/home/x/y", "/root/.bashrc", "/tmp/x", "/mnt/x", "/media/x", "/dev/video0", "/dev/sda")),
    ):
        assert granted(hello, private) == 0, private


def test_only_what_was_named_can_be_written_to(places: Path):
    model = Path.home() / "downloads" / "m.gguf"
    hello = Hello(
        files=(str(model),), folders=(str(places / "states"),), driver_cache=str(places / "drivers")
    )
    (places / "states").mkdir()
    changing = WRITE & ~READ
    assert granted(hello, model) == READ
    for folder in ("states", "drivers"):
        assert granted(hello, places / folder / "x") & WRITE == WRITE
    assert granted(hello, Path("/dev/null")) == DEVICE
    for place in (places / "x", Path("/usr/x"), Path("/etc/x"), Path("/var/x"), Path(sys.prefix) / "x"):
        assert not granted(hello, place) & changing, place


def test_programs_are_only_cove_s_own(places: Path):
    assert granted(Hello(helper_argv=(sys.executable,)), Path(sys.executable).resolve()) & Access.EXECUTE
    assert not granted(Hello(helper_argv=(sys.executable,)), Path("/usr/bin/env")) & Access.EXECUTE
    # Started by a wrapper: what that runs is not known.
    assert granted(Hello(helper_argv=("/bin/sh",)), Path("/usr/bin/env")) & Access.EXECUTE
    assert granted(Hello(helper_argv=("/no/such/program",)), Path("/usr/bin/env")) & Access.EXECUTE


def test_a_portable_home_beside_the_program_is_not_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "cove"
    (program / "data").mkdir(parents=True)
    (program / "library.so").touch()
    monkeypatch.setattr(sys, "executable", str(program / "cove"))
    monkeypatch.chdir(program / "data")
    assert granted(Hello(), program / "library.so") & READ == READ
    assert granted(Hello(), program / "data" / "cove.db") == 0


def test_a_model_in_several_files_is_all_of_them_and_no_other(tmp_path: Path):
    names = [f"a-0000{i}-of-00003.gguf" for i in (1, 2, 3)]
    for name in (*names, "b-00001-of-00003.gguf", "a-00001-of-00004.gguf", "a.gguf"):
        (tmp_path / name).touch()
    assert [path.name for path in shards(tmp_path / names[0])] == names
    assert shards(tmp_path / "a.gguf") == [tmp_path / "a.gguf"]
    assert shards(tmp_path / "gone" / names[0]) == []


def test_links_do_not_lead_back_into_what_is_private(tmp_path: Path):
    for folder in ("private/deep", "public", "half/private", "half/public"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "private")
    private = {tmp_path / "private", tmp_path / "half" / "private"}
    assert set(beside(private, tmp_path)) == {tmp_path / "public", tmp_path / "half" / "public"}
    assert list(beside({tmp_path / "publicly"}, tmp_path / "public")) == [tmp_path / "public"]
    assert list(beside({tmp_path}, tmp_path)) == []


names = st.text("ab", min_size=1, max_size=2)
branches = st.lists(names, min_size=1, max_size=4).map("/".join)


@settings(max_examples=30)
@given(tree=st.sets(branches, min_size=1, max_size=12), hidden=st.sets(branches, max_size=4))
def test_everything_is_covered_but_what_is_private(tmp_path_factory, tree, hidden):
    root = tmp_path_factory.mktemp("tree")
    for branch in tree | hidden:
        (root / branch).mkdir(parents=True, exist_ok=True)
    private = {root / branch for branch in hidden}
    covered = list(beside(private, root))
    for branch in tree:
        place = root / branch
        is_private = any(each == place or each in place.parents for each in private)
        has_private = any(place in each.parents for each in private)
        is_covered = any(each == place or each in place.parents for each in covered)
        assert is_covered == (not is_private and not has_private)


def test_graphics_cards_of_any_maker_are_devices(tmp_path: Path):
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "video0"):
        (tmp_path / name).touch()
    found = {path.name for path in devices(tmp_path)}
    assert found >= {"dri", "kfd", "dxg", "nvidia0", "nvidiactl", "nvidia-uvm"}
    assert "video0" not in found
