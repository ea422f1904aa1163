"""What native files ask of the system: libraries by name, and symbol versions. Parses binutils' output."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

_NAMED_VERSION = re.compile(r"\b(GLIBC|GLIBCXX|CXXABI|GCC)_(\d+(?:\.\d+)*)\b")


def native_files(folder: Path) -> list[Path]:
    """Returns every ELF file below a folder, links left out."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return [path for path in files if _is_elf(path)]


def needed_libraries(files: Iterable[Path]) -> dict[str, list[Path]]:
    """Returns each library's name with the files that are linked against it."""
    found: dict[str, list[Path]] = {}
    for path in files:
        for name in re.findall(r"\(NEEDED\).*\[(.+)\]", _output("readelf", "-d", path)):
            found.setdefault(name, []).append(path)
    return found


def from_outside(needed: Iterable[str], folder: Path) -> set[str]:
    """Returns the libraries that the folder does not bring itself."""
    ours = {path.name for path in folder.rglob("*.so*")}
    return {name for name in needed if name not in ours}


def newest_symbols(path: Path) -> dict[str, tuple[int, ...]]:
    """Returns the newest version a file asks for of each of GLIBC, GLIBCXX, ..."""
    newest: dict[str, tuple[int, ...]] = {}
    # Versions that a library itself defines are in another section, which is not asked for here.
    text = _output("readelf", "-V", path).partition("Version needs section")[2]
    for family, version in _NAMED_VERSION.findall(text):
        number = tuple(map(int, version.split(".")))
        newest[family] = max(newest.get(family, ()), number)
    return newest


def has_debug_symbols(path: Path) -> bool:
    return ".symtab" in _output("readelf", "-S", "-W", path)


def search_path(path: Path) -> list[str]:
    """Returns the folders that a file itself adds to where its libraries are looked for."""
    found = re.search(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", _output("readelf", "-d", path))
    return [place for place in found[1].split(":") if place] if found else []


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _output(*command: object) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
