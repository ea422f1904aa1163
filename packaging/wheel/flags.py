"""What llama.cpp is told when the wheel that ships is built, and how. Pure: reads and runs nothing.

One binary for every machine: each backend is a plug-in beside libllama, and the best that loads is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LIBRARIES = "llama_cpp/lib"

# GGML_NATIVE would build for this machine's processor alone and crash (SIGILL) on older ones.
# BINDIR is where ggml installs plug-ins; the loader looks in one folder only, so it must be LIBDIR.
_FLAGS = {
    "GGML_NATIVE": "OFF",
    "GGML_BACKEND_DL": "ON",
    "GGML_CPU_ALL_VARIANTS": "ON",
    "GGML_VULKAN": "ON",
    "GGML_RPC": "ON",
    "LLAMA_BUILD_TOOLS": "OFF",
    "LLAMA_BUILD_SERVER": "OFF",
    "LLAVA_BUILD": "OFF",  # images come with their own issue
    "CMAKE_INSTALL_BINDIR": LIBRARIES,
    "CMAKE_INSTALL_LIBDIR": LIBRARIES,
    "CMAKE_INSTALL_INCLUDEDIR": "llama_cpp/include",
    "CMAKE_INSTALL_RPATH": "$ORIGIN",
    "CMAKE_SHARED_LINKER_FLAGS": "-s",
    "CMAKE_MODULE_LINKER_FLAGS": "-s",
}


def cmake_arguments(vulkan: Mapping[str, str]) -> str:
    """Returns CMAKE_ARGS; `vulkan` says where headers, loader and glslc are, if not where CMake looks."""
    return " ".join(f"-D{name}={value}" for name, value in {**_FLAGS, **vulkan}.items())


def vulkan_variables(headers: Path, library: Path, compiler: Path, prefix: Path) -> dict[str, str]:
    """Points CMake's FindVulkan and SPIRV-Headers at a private folder."""
    return {
        "Vulkan_INCLUDE_DIR": str(headers),
        "Vulkan_LIBRARY": str(library),
        "Vulkan_GLSLC_EXECUTABLE": str(compiler),
        "CMAKE_PREFIX_PATH": str(prefix),
    }
