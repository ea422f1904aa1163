"""The texts of the Debian package. Pure: facts in, text out.

Dependencies are named so that they hold on Debian 12 and 13 (and Ubuntu 22.04 and later): where a package was
renamed for 64-bit time, both names are given.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping

NAME = "cove"
MAINTAINER = "The Cove authors <cove@cove.invalid>"

# Part of other packages' dependencies; naming them would add nothing.
_COVERED = {
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "ld-linux-x86-64.so.2",
}
_OWN = {
    "libc.so.6": "libc6",
    "ld-linux-aarch64.so.1": "libc6",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
    "libexpat.so.1": "libexpat1",
    "libreadline.so.8": "libreadline8t64 | libreadline8",
    "libglib-2.0.so.0": "libglib2.0-0t64 | libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0t64 | libglib2.0-0",
}
# Without these a window opens and models answer, on the processor.
_NOT_REQUIRED = {"libvulkan.so.1"}
RECOMMENDED = ("libvulkan1", "mesa-vulkan-drivers", "xdg-utils")
# GLIBCXX_3.4.30 came with GCC 12.
_CPP_RELEASES = {(3, 4, 30): "12", (3, 4, 31): "13.1", (3, 4, 32): "13.2", (3, 4, 33): "14"}


class UnknownLibraryError(Exception):
    """The app needs a library whose package is not known here."""


def dependencies(
    libraries: Iterable[str], packages: Mapping[str, str], newest: Mapping[str, tuple[int, ...]]
) -> list[str]:
    """Returns the packages that bring `libraries`; `packages` names those that set-up knows already."""
    versions = {
        "libc6": ".".join(map(str, newest.get("GLIBC", ()))),
        "libstdc++6": _cpp_release(newest.get("GLIBCXX", ())),
    }
    found = set()
    for library in libraries:
        if library in _COVERED or library in _NOT_REQUIRED:
            continue
        package = _OWN.get(library) or packages.get(library)
        if package is None:
            raise UnknownLibraryError(f"{library} is in no package that packaging/deb.py knows")
        version = versions.get(package)
        found.add(f"{package} (>= {version})" if version else package)
    return sorted(found)


def _cpp_release(newest: tuple[int, ...]) -> str:
    return next((release for version, release in sorted(_CPP_RELEASES.items()) if version >= newest), "14")


def control(version: str, architecture: str, installed_kib: int, depends: Iterable[str]) -> str:
    return f"""\
Package: {NAME}
Version: {version}
Architecture: {architecture}
Maintainer: {MAINTAINER}
Installed-Size: {installed_kib}
Depends: {", ".join(depends)}
Recommends: {", ".join(RECOMMENDED)}
Section: misc
Priority: optional
Description: chat with open language models on your own machine
 Cove downloads quantized models in the GGUF format and chats with them on
 the local GPU or processor through llama.cpp: offline, with no account and
 nobody in between. It has a window and a command line, which share loaded
 models and chats.
 .
 A small English model comes with it, to try it at once.
"""


def changelog(version: str, date: str) -> bytes:
    """Returns changelog.Debian.gz; what changed is in CHANGELOG.md. `date` as in RFC 5322."""
    text = (
        f"{NAME} ({version}) unstable; urgency=medium\n\n  * See CHANGELOG.gz.\n\n -- {MAINTAINER}  {date}\n"
    )
    return compressed(text.encode())


def compressed(content: bytes) -> bytes:
    """gzip without a time in it: the same content gives the same file."""
    return gzip.compress(content, 9, mtime=0)


def md5sums(digests: Mapping[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
