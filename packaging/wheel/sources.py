"""Where apt gets its packages, rewritten for another release of the same distribution.

Reads both of apt's formats. Keeps mirror, components and keys as this machine has them; changes the suite.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_APT = Path("/etc/apt")

# Where the release's own Vulkan headers or glslc are too old: the first one after it whose are not.
_NEWER = {"bullseye": "trixie", "bookworm": "trixie", "jammy": "noble"}


@dataclass(frozen=True, slots=True)
class Archive:
    """One place packages come from."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    keyring: str = ""

    def line(self, suite: str) -> str:
        """Returns the line for sources.list that asks this mirror for one suite."""
        options = f" [signed-by={self.keyring}]" if self.keyring else ""
        return f"deb{options} {self.uri} {suite} {' '.join(self.components)}"


def archives(text: str) -> list[Archive]:
    """Reads what a .list or .sources file says about binary packages."""
    return _from_stanzas(text) if re.search(r"^Types:", text, re.MULTILINE) else _from_lines(text)


def mirror_of(found: list[Archive], codename: str) -> Archive | None:
    """Returns the archive that carries the release itself (not its updates, nor a third party's)."""
    return next(
        (archive for archive in found if codename in archive.suites and "main" in archive.components), None
    )


def suite_with_tools(codename: str) -> str:
    """Returns the release that Vulkan's headers and glslc are taken from."""
    return _NEWER.get(codename, codename)


def configured_mirror() -> str:
    """Returns where this machine gets the release it runs from. Raises OSError when that is not known."""
    mirror = mirror_of(configured_archives(), codename())
    if mirror is None:
        raise OSError("apt is not configured with a mirror of this machine's release")
    return mirror.uri


def configured_archives() -> list[Archive]:
    files = [_APT / "sources.list", *sorted((_APT / "sources.list.d").glob("*"))]
    texts = [path.read_text() for path in files if path.suffix in (".list", ".sources") and path.is_file()]
    return [archive for text in texts for archive in archives(text)]


def codename() -> str:
    release = Path("/etc/os-release")
    found = re.search(
        r"^VERSION_CODENAME=(\S+)", release.read_text() if release.exists() else "", re.MULTILINE
    )
    return found[1] if found else ""


def _from_stanzas(text: str) -> list[Archive]:
    found = []
    for stanza in re.split(r"\n\s*\n", re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)):
        fields = {
            key.lower(): value.split()
            for key, value in re.findall(r"^([\w-]+):[ \t]*(.*)$", stanza, re.MULTILINE)
        }
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        keyring = " ".join(fields.get("signed-by", []))
        suites, components = tuple(fields.get("suites", [])), tuple(fields.get("components", []))
        found += [Archive(uri, suites, components, keyring) for uri in fields.get("uris", [])]
    return found


def _from_lines(text: str) -> list[Archive]:
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)", line)
        if match:
            options, uri, suite, components = match.groups()
            keyring = re.search(r"signed-by=(\S+)", options or "")
            found.append(Archive(uri, (suite,), tuple(components.split()), keyring[1] if keyring else ""))
    return found
