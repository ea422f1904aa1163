"""A set-up from source compiles the best backend that is sure to compile, and says which and why."""

from __future__ import annotations

import pytest

from tests.packaging.scripts import load

backends = load("backends")
NEW = (1, 4, 309)


def choose(*programs, platform="linux", vulkan=None, has_spirv=False):
    return backends.choose(platform, lambda name: f"/{name}" if name in programs else None, vulkan, has_spirv)


def test_a_bare_machine_gets_the_plain_build():
    choice = choose()
    assert (choice.name, choice.flags) == ("CPU", "")


def test_cuda_comes_before_vulkan():
    choice = choose("nvcc", "glslc", vulkan=NEW, has_spirv=True)
    assert (choice.name, choice.flags) == ("CUDA", "-DGGML_CUDA=ON")
    assert "/nvcc" in choice.why


def test_vulkan_when_all_it_needs_is_there():
    assert choose("glslc", vulkan=NEW, has_spirv=True).flags == "-DGGML_VULKAN=ON"


def test_macos_has_metal_without_being_told():
    choice = choose("nvcc", platform="darwin")
    assert (choice.name, choice.flags) == ("Metal", "")


@pytest.mark.parametrize(
    ("programs", "vulkan", "has_spirv", "reason"),
    [
        (["glslc"], (1, 3, 239), True, "1.3.239, and 1.3.272"),  # Debian 12
        ([], NEW, True, "glslc"),
        (["glslc"], NEW, False, "SPIRV"),
        (["glslc"], None, True, "headers"),
    ],
)
def test_half_of_what_vulkan_needs_is_not_enough(programs, vulkan, has_spirv, reason):
    choice = choose(*programs, vulkan=vulkan, has_spirv=has_spirv)
    assert (choice.name, choice.flags) == ("CPU", "")
    assert reason in choice.why


def test_the_version_is_read_from_the_header():
    text = (
        "#define VK_HEADER_VERSION 239\n"
        "#define VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION(0, 1, 3, VK_HEADER_VERSION)\n"
    )
    assert backends.header_version(text) == (1, 3, 239)
    assert backends.header_version("nothing") is None
