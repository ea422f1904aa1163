"""What goes into the frozen app and what stays out. Pure: names in, decisions out; cove.spec acts on them.

Names are places in the app's folder, as in `PySide6/Qt/plugins/platforms/libqxcb.so`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

# Never imported on any path that Cove takes. hf_xet would go around our network door.
EXCLUDED_MODULES = (
    *("hf_xet", "yaml._yaml", "_yaml", "numpy", "diskcache", "setuptools", "pip", "pkg_resources", "wheel"),
    *("tkinter", "unittest", "pydoc", "pydoc_data", "doctest", "test", "lib2to3", "distutils", "curses"),
    *("xmlrpc", "pdb", "turtle", "idlelib", "torch", "tensorflow", "PIL", "pandas", "gradio", "IPython"),
    *("PySide6.QtNetwork", "PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtOpenGL", "PySide6.QtPrintSupport"),
    *("typer", "rich", "pytest"),
)

# Named, because huggingface_hub imports its own modules by name when they are first asked for.
HUB_MODULES = ("hf_api", "file_download", "errors", "constants", "utils")

# `cove doctor` tells their versions, and huggingface_hub asks for its own.
DESCRIBED_PACKAGES = ("PySide6-Essentials", "llama-cpp-python", "huggingface-hub", "msgspec")

QT_PLUGINS = frozenset(
    {
        *("platforms/libqxcb.so", "platforms/libqwayland.so", "platforms/libqoffscreen.so"),
        *("imageformats/libqsvg.so", "imageformats/libqjpeg.so", "iconengines/libqsvgicon.so"),
        "platformthemes/libqxdgdesktopportal.so",  # the desktop's own file dialogs and colours
        "platforminputcontexts/libcomposeplatforminputcontextplugin.so",
        "platforminputcontexts/libibusplatforminputcontextplugin.so",  # Vietnamese, Chinese, ...
        *("wayland-shell-integration/libxdg-shell.so", "wayland-decoration-client/libadwaita.so"),
    }
)
_PLUGINS = "PySide6/Qt/plugins/"
_UNUSED_FOLDERS = (
    "PySide6/Qt/translations/",
    "PySide6/Qt/qml/",
    "PySide6/Qt/libexec/",
    "PySide6/Qt/metatypes/",
)

# Belong to the system. Drivers that it loads into our processes need its own C++ library, ours may be older;
# the others talk to its display, fonts and desktop. Readline's licence is not ours.
SYSTEM_LIBRARIES = (
    *("libstdc++", "libgcc_s", "libvulkan", "libGL", "libEGL", "libGLX", "libGLdispatch", "libOpenGL"),
    *(
        "libdrm",
        "libgbm",
        "libX11",
        "libX11-xcb",
        "libXau",
        "libXdmcp",
        "libxcb",
        "libxcb-glx",
        "libxcb-randr",
    ),
    *("libxcb-render", "libxcb-shape", "libxcb-shm", "libxcb-sync", "libxcb-xfixes", "libxcb-xkb"),
    *("libxkbcommon", "libxkbcommon-x11", "libwayland-client", "libwayland-cursor", "libwayland-egl"),
    *("libfontconfig", "libfreetype", "libpng16", "libbrotlidec", "libbrotlicommon", "libexpat"),
    *("libdbus-1", "libsystemd", "libcap", "libgcrypt", "libgpg-error", "liblz4", "libz", "libzstd"),
    *("libglib-2.0", "libgthread-2.0", "libpcre2-8", "libbsd", "libmd", "libresolv", "libkeyutils"),
    *("libgssapi_krb5", "libkrb5", "libk5crypto", "libkrb5support", "libcom_err"),
    *("libreadline", "libtinfo", "libncursesw", "libncurses"),
)


@dataclass(frozen=True)
class Program:
    """One executable. On Windows the file itself says whether it has a console or may only open windows."""

    name: str
    has_console: bool


def programs(platform: str) -> list[Program]:
    """Returns the executables of the app; all are the same program, in every role."""
    console = Program("cove", has_console=True)
    return [console, Program("covew", has_console=False)] if platform == "win32" else [console]


def missing_engine_parts(names: Iterable[str]) -> list[str]:
    """Returns what a build of the engine lacks that is to run on every machine; `names` are its libraries."""
    stems = {name.partition(".")[0].removeprefix("lib") for name in names}
    missing = sorted({"llama", "ggml", "ggml-base", "ggml-vulkan", "ggml-rpc"} - stems)
    if sum(stem.startswith("ggml-cpu-") for stem in stems) < 2:
        missing.append("ggml-cpu-* (a plug-in for each kind of processor)")
    return missing


def is_resource(path: PurePath) -> bool:
    """Says whether the app reads a file of resources/: not pictures of it, or code."""
    return "screenshots" not in path.parts and path.suffix not in (".py", ".pyc", ".md")


def is_kept(name: str) -> bool:
    """Says whether a collected file belongs in the app."""
    if name.startswith(_PLUGINS):
        return name.removeprefix(_PLUGINS) in QT_PLUGINS
    return not (name.startswith(_UNUSED_FOLDERS) or is_system_library(name))


def is_system_library(name: str) -> bool:
    match = re.fullmatch(r"(lib.+?)\.so(\.\d+)*", PurePosixPath(name).name)
    return bool(match) and match[1] in SYSTEM_LIBRARIES


def is_library_on_demand(name: str) -> bool:
    """Says whether a file is there only because another one needs it (Python is opened by name)."""
    if name.startswith("libpython"):
        return False
    return name.startswith(("PySide6/Qt/lib/", "lib")) and "/" not in name.removeprefix("PySide6/Qt/lib/")


def needed(files: Mapping[str, str], needs: Callable[[str], Iterable[str]]) -> set[str]:
    """Returns the names in `files` (name -> source) that are used: all but libraries that nothing kept needs.

    `needs` tells the names of the libraries that a source is linked against.
    """
    by_library = {PurePosixPath(name).name: name for name in files if is_library_on_demand(name)}
    reached = {name for name in files if not is_library_on_demand(name)}
    waiting = list(reached)
    while waiting:
        for library in needs(files[waiting.pop()]):
            name = by_library.get(PurePosixPath(library).name)
            if name is not None and name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached
