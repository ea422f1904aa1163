"""Newer Vulkan tools come from the mirror that this machine's apt uses, only the suite changed."""

from __future__ import annotations

import pytest

from tests.packaging.scripts import load

sources = load("wheel/sources")
flags = load("wheel/flags")

STANZAS = """Types: deb
# http://snapshot.example/archive
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb deb-src
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
Enabled: no
URIs: http://off.example
Suites: bookworm
Components: main
"""
LINES = """
# deb http://commented.example jammy main
deb-src http://mirror.example/ubuntu jammy main
deb https://packages.vendor.example jammy stable
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/ubuntu jammy main universe # note
deb http://mirror.example/ubuntu jammy-updates main
"""


@pytest.mark.parametrize(
    ("text", "codename", "line"),
    [
        (
            STANZAS,
            "bookworm",
            "deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/debian trixie main",
        ),
        (LINES, "jammy", "deb [signed-by=/k.gpg] http://mirror.example/ubuntu noble main universe"),
    ],
)
def test_the_release_s_own_mirror_is_asked_for_the_next_suite(text, codename, line):
    mirror = sources.mirror_of(sources.archives(text), codename)
    assert mirror.line(sources.suite_with_tools(codename)) == line


def test_what_is_switched_off_or_of_a_vendor_is_no_mirror():
    off = STANZAS.split("\n\n")[2]
    vendor = "deb https://packages.vendor.example jammy stable\n"
    assert sources.mirror_of(sources.archives(off), "bookworm") is None
    assert sources.mirror_of(sources.archives(vendor), "jammy") is None


def test_a_release_that_is_new_enough_uses_its_own_tools():
    assert sources.suite_with_tools("trixie") == "trixie"
    assert sources.suite_with_tools("a release to come") == "a release to come"


def test_every_backend_is_a_plug_in_beside_the_library_and_nothing_is_for_this_processor_only():
    arguments = flags.cmake_arguments({"Vulkan_LIBRARY": "/v"}).split()
    assert {
        *("-DGGML_BACKEND_DL=ON", "-DGGML_CPU_ALL_VARIANTS=ON", "-DGGML_NATIVE=OFF", "-DGGML_VULKAN=ON"),
        *("-DGGML_RPC=ON", "-DCMAKE_INSTALL_BINDIR=llama_cpp/lib", "-DCMAKE_INSTALL_LIBDIR=llama_cpp/lib"),
        "-DVulkan_LIBRARY=/v",
    } <= set(arguments)
