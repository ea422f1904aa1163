"""What native files ask of the system is read out of what readelf prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.scripts import load

elf = load("elf")

DYNAMIC = """
 0x0000000000000001 (NEEDED)             Shared library: [libvulkan.so.1]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x000000000000001d (RUNPATH)            Library runpath: [$ORIGIN:/opt/python/lib]
"""
VERSIONS = """
Version definition section '.gnu.version_d' contains 2 entries:
  000000: Rev: 1  Flags: BASE  Index: 1  Cnt: 1  Name: GLIBC_2.99
Version needs section '.gnu.version_r' contains 2 entries:
  0x0010:   Name: GLIBC_2.4  Flags: none  Version: 12
  0x0020:   Name: GLIBC_2.35  Flags: none  Version: 11
  0x0030:   Name: GLIBCXX_3.4.30  Flags: none  Version: 9
  0x0040:   Name: GLIBC_PRIVATE  Flags: none  Version: 2
"""


@pytest.fixture
def said(monkeypatch):
    def say(text):
        monkeypatch.setattr(elf, "_output", lambda *command: text)

    return say


def test_the_newest_version_asked_for_is_compared_as_a_number_and_own_versions_do_not_count(said):
    said(VERSIONS)
    assert elf.newest_symbols(Path("x")) == {"GLIBC": (2, 35), "GLIBCXX": (3, 4, 30)}


def test_libraries_are_known_with_who_needs_them(said):
    said(DYNAMIC)
    needed = elf.needed_libraries([Path("a"), Path("b")])
    assert needed == {"libvulkan.so.1": [Path("a"), Path("b")], "libc.so.6": [Path("a"), Path("b")]}
    assert elf.search_path(Path("a")) == ["$ORIGIN", "/opt/python/lib"]
    said("")
    assert elf.search_path(Path("a")) == []


def test_only_elf_files_are_native_and_links_do_not_count_twice(tmp_path):
    (tmp_path / "lib").mkdir()
    library = tmp_path / "lib" / "libx.so.1"
    library.write_bytes(b"\x7fELF and more")
    (tmp_path / "libx.so").symlink_to(library)
    (tmp_path / "text").write_text("no")
    (tmp_path / "empty").touch()
    assert elf.native_files(tmp_path) == [library]


def test_what_the_folder_brings_is_not_from_outside(tmp_path):
    (tmp_path / "libpython3.11.so.1.0").touch()
    assert elf.from_outside({"libpython3.11.so.1.0", "libc.so.6"}, tmp_path) == {"libc.so.6"}
