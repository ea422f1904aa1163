"""Writes packaging/SIZE.md: what weighs what in the packages, what they ask of the system, how fast they are.

`python3 packaging/sizes.py` reads build/frozen, dist and what the smoke test measured. Nothing is typed in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import durations
import elf
import freeze
import package

PAGE = freeze.ROOT / "packaging" / "SIZE.md"
SMOKE = freeze.BUILD / "smoke"
MIB = 1024 * 1024
OLDEST_GLIBC = (2, 35)
_MEASURED = """\
Seconds, as a user without a network on a bare Debian, on {cores} cores without a GPU that other work shared
(the load is below). A window's time is from starting its process until it is on the screen, found by
polling: up to 0.05 s more.
"""
_MAKING = """\
On the same machine. The load is how many programs wanted to compute meanwhile: more than there are cores
means that this one waited for others.
"""

# The first that matches counts.
PARTS = (
    ("starter model (SmolLM2-135M, Q4_1)", ("models/",)),
    ("llama.cpp: Vulkan", ("_internal/llama_cpp/lib/libggml-vulkan",)),
    ("llama.cpp: fourteen kinds of processor", ("_internal/llama_cpp/lib/libggml-cpu",)),
    ("llama.cpp: the rest", ("_internal/llama_cpp/",)),
    ("Qt: Unicode data (ICU)", ("_internal/PySide6/Qt/lib/libicu",)),
    ("Qt: libraries and plug-ins", ("_internal/PySide6/Qt/",)),
    ("PySide: Qt in Python", ("_internal/PySide6/", "_internal/shiboken6/")),
    ("OpenSSL and SQLite", ("_internal/libcrypto", "_internal/libssl", "_internal/libsqlite3")),
    (
        "Python, its library, the program's own code",
        ("cove", "_internal/libpython", "_internal/python", "_internal/base"),
    ),
    ("everything else", ("",)),
)


def main() -> int:
    version = package.app_version()
    PAGE.write_text(page(version), encoding="utf-8")
    print(PAGE)
    return 0


def page(version: str) -> str:
    app = freeze.APP
    files = {
        path.relative_to(app).as_posix(): path
        for path in app.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    groups = grouped(files)
    rows = [
        (name, unpacked(groups[name]), compressed(app, groups[name])) for name, _ in PARTS if groups[name]
    ]
    without_model = compressed(app, [path for name, path in files.items() if not name.startswith("models/")])
    lines = [
        "# What weighs what\n",
        "Written by `packaging/sizes.py` after `make package` and `make smoke`; sizes in MiB.\n",
        table(
            ("part", "unpacked", "as zstd -19"), ((name, mib(full), mib(small)) for name, full, small in rows)
        ),
        f"Without the starter model, packed as one: **{mib(without_model)}** (goal: at most 100 MB).\n",
        table(("file", "size"), ((path.name, mib(path.stat().st_size)) for path in products(version))),
        "## What it asks of the system\n",
        symbols(app),
        "## How fast it is\n",
        _MEASURED.format(cores=os.cpu_count()),
        timings(),
        "## How long it takes to make and to try\n",
        _MAKING,
        making(),
    ]
    return "\n".join(lines)


def grouped(files: Mapping[str, Path]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {name: [] for name, _ in PARTS}
    for name, path in sorted(files.items()):
        groups[part_of(name)].append(path)
    return groups


def part_of(name: str) -> str:
    return next(part for part, places in PARTS if name.startswith(places))


def unpacked(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def compressed(app: Path, paths: Iterable[Path]) -> int:
    names = "\0".join(str(path.relative_to(app)) for path in paths)
    tar = ["tar", "-C", str(app), "--null", "--sort=name", "-T", "-", "-I", "zstd -q -T0 -19", "-cf", "-"]
    return len(subprocess.run(tar, input=names.encode(), check=True, capture_output=True).stdout)


def products(version: str) -> list[Path]:
    return sorted(
        [*package.DIST.glob(f"cove_{version}-*.deb"), *package.DIST.glob(f"cove-{version}-*.tar.zst")]
    )


def symbols(app: Path) -> str:
    """Says how new a system must be, and because of which files."""
    newest = {path: elf.newest_symbols(path) for path in elf.native_files(app)}
    lines = []
    for family in ("GLIBC", "GLIBCXX"):
        version = max(found.get(family, ()) for found in newest.values())
        asking = sorted(path.name for path, found in newest.items() if found.get(family) == version)
        shown = ", ".join(asking[:6]) + (f" and {len(asking) - 6} more" if len(asking) > 6 else "")
        lines.append(f"* Newest {family} symbol: {dotted(version)}, asked for by {shown}.")
        if family == "GLIBC" and version > OLDEST_GLIBC:
            lines.append(
                f"  That is newer than {dotted(OLDEST_GLIBC)}: it comes from the machine it was built on."
            )
    return "\n".join([*lines, ""])


def timings() -> str:
    reports = {path.stem: json.loads(path.read_text()) for path in sorted(SMOKE.glob("*.json"))}
    if not reports:
        return "Not measured yet: `make smoke`.\n"
    names = list(dict.fromkeys(name for report in reports.values() for name in report))
    rows = ((name, *(seconds(report.get(name)) for report in reports.values())) for name in names)
    return table(("", *reports), rows)


def making() -> str:
    known = durations.durations().items()
    rows = ((name, minutes(entry["seconds"]), f"{entry['load']:.1f}") for name, entry in known)
    return table(("", "min:s", "load"), rows)


def minutes(value: float) -> str:
    whole, rest = divmod(round(value), 60)
    return f"{whole}:{rest:02d}"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)) + "\n"


def mib(size: int) -> str:
    return f"{size / MIB:.1f}"


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(main())
