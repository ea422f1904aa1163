"""The package's texts: the right names on Debian 12 and 13, nothing forgotten in silence."""

from __future__ import annotations

import gzip

import pytest

from tests.packaging.scripts import load

deb = load("deb")
bootstrap = load("bootstrap")

NEWEST = {"GLIBC": (2, 35), "GLIBCXX": (3, 4, 30)}


def dependencies(*libraries):
    return deb.dependencies(libraries, bootstrap.LIBRARIES, NEWEST)


def test_libraries_become_packages_with_the_versions_their_symbols_ask_for():
    found = dependencies("libc.so.6", "libm.so.6", "libstdc++.so.6", "libxcb.so.1", "libEGL.so.1")
    assert found == ["libc6 (>= 2.35)", "libegl1", "libstdc++6 (>= 12)", "libxcb1"]


def test_a_package_renamed_in_debian_13_is_asked_for_by_both_names():
    assert dependencies("libglib-2.0.so.0", "libgthread-2.0.so.0") == ["libglib2.0-0t64 | libglib2.0-0"]


def test_vulkan_is_recommended_and_never_required():
    assert dependencies("libvulkan.so.1") == []
    assert "\nRecommends: libvulkan1, mesa-vulkan-drivers" in deb.control("1-1", "amd64", 1, [])


def test_an_unknown_library_is_said_and_not_forgotten():
    with pytest.raises(deb.UnknownLibraryError, match=r"libnew\.so\.1"):
        dependencies("libnew.so.1")


def test_every_line_of_a_description_is_indented():
    description = deb.control("1-1", "amd64", 7, ["libc6"]).partition("Description: ")[2]
    assert all(line.startswith(" ") for line in description.splitlines()[1:])


def test_the_changelog_is_the_same_each_time():
    first, second = (deb.changelog("1.2-1", "Mon, 23 Nov 2026 00:00:00 -0000") for _ in range(2))
    assert first == second
    assert gzip.decompress(first).startswith(b"cove (1.2-1) unstable;")
