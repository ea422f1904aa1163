"""Takes out of a wheel of llama-cpp-python what Cove never opens. Pure but for the two files.

What stays: the low-level bindings and one copy of each library. Wheels hold no symbolic links, so every
library comes three times; the high-level API brings numpy, and makes `import llama_cpp` four times slower.
Knows libraries by name only, so a plain build can be pruned as well. Pruning twice is harmless.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from pathlib import Path

# ctypes opens libllama.so by that name; all others are opened or needed by their SONAME.
_OPENED_BY_PLAIN_NAME = "libllama.so"
_KEPT_MODULES = ("llama_cpp.py", "_ctypes_extensions.py", "py.typed")
_LIBRARY = re.compile(r"(?P<name>lib[\w.-]+?)\.so(?P<version>(\.\d+)*)")
_UNUSED = ("libllama-common", "libmtmd")
_INIT = "llama_cpp/__init__.py"
_NEEDED = "typing-extensions"


def prune_wheel(source: Path, target: Path) -> None:
    """Writes `target`, the wheel without what is not used, with a true RECORD."""
    with zipfile.ZipFile(source) as wheel:
        names = wheel.namelist()
        record = next(name for name in names if name.endswith(".dist-info/RECORD"))
        kept = {name: wheel.read(name) for name in names if is_kept(name, names) and name != record}
    kept[_INIT] = lean_init(kept[_INIT].decode()).encode()
    metadata = record.replace("RECORD", "METADATA")
    kept[metadata] = lean_metadata(kept[metadata].decode()).encode()
    kept[record] = record_of(kept, record).encode()
    temporary = target.with_suffix(".part")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        for name, content in kept.items():
            entry = zipfile.ZipInfo(name)  # with one fixed date: the same input gives the same wheel
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, content)
    temporary.replace(target)


def is_kept(name: str, names: list[str]) -> bool:
    """Says whether one member of the wheel is used; `names` are all its members."""
    if ".dist-info/" in name:
        return True
    folder, _, file = name.rpartition("/")
    if folder == "llama_cpp":
        return name == _INIT or file in _KEPT_MODULES
    if folder == "llama_cpp/lib":
        return _library_is_kept(file, {other.rpartition("/")[2] for other in names})
    return False


def _library_is_kept(file: str, files: set[str]) -> bool:
    match = _LIBRARY.fullmatch(file)
    if match is None:
        return file.endswith((".dll", ".dylib", ".metal"))
    if match["name"] in _UNUSED:
        return False
    soname = f"{match['name']}.so.0"
    if f"{match['name']}.so" == _OPENED_BY_PLAIN_NAME or soname not in files:
        return match["version"] == ""
    return file == soname


def lean_init(text: str) -> str:
    """Leaves of the package's own code the low-level API and the version."""
    version = re.search(r'^__version__ = "[^"]+"$', text, re.MULTILINE)
    if version is None:
        raise ValueError("llama_cpp/__init__.py does not say its version")
    return f"from .llama_cpp import *\n\n{version[0]}\n"


def lean_metadata(text: str) -> str:
    """Leaves of the requirements those of the low-level bindings."""
    head, blank, body = text.partition("\n\n")
    lines = [
        line
        for line in head.split("\n")
        if not line.startswith(("Requires-Dist:", "Provides-Extra:"))
        or line.startswith(f"Requires-Dist: {_NEEDED}")
    ]
    return "\n".join(lines) + blank + body


def record_of(members: dict[str, bytes], record: str) -> str:
    rows = [
        f"{name},sha256={_digest(content)},{len(content)}"
        for name, content in members.items()
        if name != record
    ]
    return "\n".join([*rows, f"{record},,", ""])


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
