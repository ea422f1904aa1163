"""What goes into the frozen app: what is used, and nothing that belongs to the system."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from tests.packaging.scripts import load

frozen = load("frozen")
PLUGINS = "PySide6/Qt/plugins/"


@pytest.mark.parametrize(
    "name",
    [
        "libvulkan.so.1",  # the system's loader knows the system's drivers
        "libstdc++.so.6",  # those drivers need the system's
        "libgcc_s.so.1",
        "libGL.so.1",
        "libreadline.so.8",
        f"{PLUGINS}platforms/libqvnc.so",
        f"{PLUGINS}platformthemes/libqgtk3.so",
        f"{PLUGINS}tls/libqopensslbackend.so",
        "PySide6/Qt/translations/qtbase_de.qm",
        "PySide6/Qt/qml/QtQuick/libqtquick2plugin.so",
    ],
)
def test_stays_out(name):
    assert not frozen.is_kept(name)


@pytest.mark.parametrize(
    "name",
    [
        "libpython3.11.so.1.0",
        "libsqlite3.so.0",
        "libxcb-cursor.so.0",  # not on every desktop
        f"{PLUGINS}platforms/libqxcb.so",
        f"{PLUGINS}platforms/libqwayland.so",
        f"{PLUGINS}platforms/libqoffscreen.so",
        f"{PLUGINS}platforminputcontexts/libibusplatforminputcontextplugin.so",
        "llama_cpp/lib/libggml-vulkan.so",
        "resources/icons/cove.svg",
    ],
)
def test_goes_in(name):
    assert frozen.is_kept(name)


def test_windows_gets_a_program_for_each_subsystem_and_others_one_for_all():
    assert [(each.name, each.has_console) for each in frozen.programs("linux")] == [("cove", True)]
    assert [(each.name, each.has_console) for each in frozen.programs("win32")] == [
        ("cove", True),
        ("covew", False),
    ]


def test_an_engine_for_one_machine_is_not_shipped():
    plain = ["libllama.so", "libggml.so.0", "libggml-base.so.0", "libggml-cpu.so.0", "libggml-vulkan.so"]
    missing = frozen.missing_engine_parts(plain)
    assert missing[0] == "ggml-rpc"
    assert missing[1].startswith("ggml-cpu-*")
    every = [*plain, "libggml-rpc.so", "libggml-cpu-haswell.so", "libggml-cpu-zen4.so"]
    assert frozen.missing_engine_parts(every) == []


@pytest.mark.parametrize(
    ("path", "is_read"),
    [
        ("resources/icons/cove.svg", True),
        ("resources/themes/cove.qss", True),
        ("resources/i18n/vi.json", True),
        ("resources/screenshots/main.png", False),
        ("resources/__init__.py", False),
    ],
)
def test_what_the_app_reads_of_its_resources(path, is_read):
    assert frozen.is_resource(PurePath(path)) is is_read


def test_libraries_that_nothing_kept_needs_are_left_out():
    files = {
        "PySide6/QtCore.abi3.so": "core.py",
        "PySide6/Qt/lib/libQt6Core.so.6": "core",
        "PySide6/Qt/lib/libicuuc.so.73": "icu",
        "PySide6/Qt/lib/libQt6Qml.so.6": "qml",
        "libffi.so.8": "ffi",
        "libgtk.so.4": "gtk",
        "libpython3.11.so.1.0": "python",
    }
    needs = {
        "core.py": ["libQt6Core.so.6", "libc.so.6"],
        "core": ["libicuuc.so.73"],
        "qml": ["libQt6Core.so.6"],
        "python": ["/usr/lib/libffi.so.8"],
    }
    kept = frozen.needed(files, lambda source: needs.get(source, ()))
    assert set(files) - kept == {"PySide6/Qt/lib/libQt6Qml.so.6", "libgtk.so.4"}
