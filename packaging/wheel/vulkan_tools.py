"""Vulkan headers and a glslc new enough for llama.cpp: the system's, else those of a release that has them.

The latter are unpacked into a private folder and never installed: apt is run with a state of its own, on the
mirror it is configured with, only the suite changed. COVE_VULKAN_SUITE names another suite.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from backends import OLDEST_VULKAN, has_spirv_headers, vulkan_version
from flags import vulkan_variables
from sources import Archive, codename, configured_archives, mirror_of, suite_with_tools

_DEVELOPMENT = ("libvulkan-dev", "libvulkan1", "spirv-headers")
_FEATURE = """#version 450
#extension GL_EXT_integer_dot_product : require
void main() {}
"""


class ToolsError(Exception):
    """Nothing new enough can be had; the message says what to do."""


def vulkan_tools(folder: Path) -> dict[str, str]:
    """Returns CMake variables; empty when the system's own will do. Unpacks into `folder` on first use."""
    if "COVE_VULKAN_SUITE" not in os.environ and system_is_new_enough():
        return {}
    done = folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _unpack(folder, _next_release())
        done.touch()
    return _variables(folder)


def system_is_new_enough() -> bool:
    compiler = shutil.which("glslc")
    if compiler is None or (vulkan_version() or (0,)) < OLDEST_VULKAN or not has_spirv_headers():
        return False
    return _knows_features(compiler)


def _knows_features(compiler: str) -> bool:
    """An old glslc builds shaders that leave half of a modern GPU unused."""
    command = [compiler, "-fshader-stage=compute", "--target-env=vulkan1.3", "-o", os.devnull, "-"]
    return subprocess.run(command, input=_FEATURE.encode(), capture_output=True).returncode == 0


def _next_release() -> tuple[Archive, str]:
    release = codename()
    suite = os.environ.get("COVE_VULKAN_SUITE") or suite_with_tools(release)
    mirror = mirror_of(configured_archives(), release)
    if mirror is None or shutil.which("apt-get") is None:
        raise ToolsError(
            "the Vulkan headers or glslc are too old or missing, and apt has none that is newer. "
            "Install a Vulkan SDK with headers >= 1.3.272, glslc and SPIRV headers, or set COVE_VULKAN_SUITE."
        )
    return mirror, suite


def _unpack(folder: Path, release: tuple[Archive, str]) -> None:
    mirror, suite = release
    private = PrivateApt(folder / "apt", mirror.line(suite))
    private.unpack(_DEVELOPMENT, folder / "dev")
    private.unpack(private.with_dependencies("glslc"), folder / "tools")
    _wrap_compiler(folder / "tools")


class PrivateApt:
    """apt with its own lists and cache, and nothing installed. Needs no root."""

    def __init__(self, folder: Path, line: str) -> None:
        self._folder = folder.resolve()
        for part in ("lists/partial", "cache/archives/partial", "parts", "preferences"):
            (self._folder / part).mkdir(parents=True)
        (self._folder / "sources.list").write_text(f"{line}\n")
        (self._folder / "status").touch()
        options = {
            "Dir::Etc::SourceList": "sources.list",
            "Dir::Etc::SourceParts": "parts",
            "Dir::Etc::PreferencesParts": "preferences",
            "Dir::State::Lists": "lists",
            "Dir::State::Status": "status",
            "Dir::Cache": "cache",
        }
        self._options = [f"-o{name}={self._folder / value}" for name, value in options.items()]
        self._options += ["-oAPT::Sandbox::User=", "-oAPT::Install-Recommends=false", "-q"]
        subprocess.run(["apt-get", *self._options, "update"], check=True)

    def with_dependencies(self, package: str) -> list[str]:
        """Returns a package and everything it would bring to an empty system."""
        command = ["apt-get", *self._options, "install", "--simulate", package]
        simulated = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return re.findall(r"^Inst (\S+)", simulated, re.MULTILINE)

    def unpack(self, packages: list[str] | tuple[str, ...], target: Path) -> None:
        downloads = self._folder / target.name
        downloads.mkdir()
        subprocess.run(["apt-get", *self._options, "download", *packages], check=True, cwd=downloads)
        for package in sorted(downloads.glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, target], check=True)


def _wrap_compiler(tools: Path) -> None:
    """glslc of a newer release needs that release's C library too: runs it with the one beside it."""
    (loader,) = tools.glob("usr/lib/*/ld-linux-*.so.?") or tools.glob("lib*/ld-linux-*.so.?")
    libraries = ":".join(str(path) for path in sorted(tools.glob("usr/lib/*-linux-*")))
    script = tools / "glslc"
    script.write_text(
        f'#!/bin/sh\nexec "{loader}" --library-path "{libraries}" "{tools}/usr/bin/glslc" "$@"\n'
    )
    script.chmod(0o755)


def _variables(folder: Path) -> dict[str, str]:
    dev = folder.resolve() / "dev" / "usr"
    (library,) = dev.glob("lib/*/libvulkan.so")
    return vulkan_variables(dev / "include", library, folder.resolve() / "tools" / "glslc", dev)
