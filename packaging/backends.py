"""Which GPU backend llama.cpp is compiled with when Cove is set up from source, and why.

Promises: the plain CPU build unless everything that another backend needs is there, because a set-up that
fails is worse than a slow engine. Only the standard library; compiles nothing; `choose` looks at nothing.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# VK_EXT_layer_settings, which llama.cpp uses without asking, came with this version.
OLDEST_VULKAN = (1, 3, 272)
_INCLUDES = (Path("/usr/include"), Path("/usr/local/include"))
_SPIRV = ("share/cmake/SPIRV-Headers", "lib/cmake/SPIRV-Headers")


@dataclass(frozen=True)
class Backend:
    """What CMake is told (nothing for the CPU) and, for people, what was chosen and why."""

    name: str
    why: str
    flags: str = ""


def choose(
    platform: str, which: Callable[[str], str | None], vulkan: tuple[int, ...] | None, has_spirv: bool
) -> Backend:
    """`which` finds a program; `vulkan` is the version of the Vulkan headers, if there are any."""
    if platform == "darwin":
        return Backend("Metal", "it is part of macOS")  # llama.cpp turns it on by itself
    if nvcc := which("nvcc"):
        return Backend("CUDA", f"{nvcc} is there", "-DGGML_CUDA=ON")
    if vulkan is None:
        return Backend("CPU", "neither CUDA's compiler (nvcc) nor Vulkan's headers are there")
    if vulkan < OLDEST_VULKAN:
        found, oldest = (".".join(map(str, version)) for version in (vulkan, OLDEST_VULKAN))
        return Backend("CPU", f"the Vulkan headers are {found}, and {oldest} is needed")
    if which("glslc") is None or not has_spirv:
        return Backend("CPU", "Vulkan's headers are there, but not both glslc and SPIRV-Headers")
    return Backend("Vulkan", "its headers and glslc are there", "-DGGML_VULKAN=ON")


def found() -> Backend:
    """Returns the choice for this machine."""
    return choose(sys.platform, shutil.which, vulkan_version(), has_spirv_headers())


def header_version(text: str) -> tuple[int, ...] | None:
    """Reads the version out of vulkan_core.h."""
    patch = re.search(r"#define VK_HEADER_VERSION (\d+)", text)
    complete = re.search(r"VK_MAKE_API_VERSION\(\d+, (\d+), (\d+), VK_HEADER_VERSION\)", text)
    return (int(complete[1]), int(complete[2]), int(patch[1])) if patch and complete else None


def vulkan_version() -> tuple[int, ...] | None:
    headers = (folder / "vulkan" / "vulkan_core.h" for folder in _INCLUDES)
    return next((header_version(path.read_text(errors="replace")) for path in headers if path.exists()), None)


def has_spirv_headers() -> bool:
    return any((folder.parent / place).is_dir() for folder in _INCLUDES for place in _SPIRV)
