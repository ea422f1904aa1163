"""Gathers the licences of the Python packages that are part of the app: `licences.py FOLDER PACKAGE ...`.

Runs in the environment that is frozen. Follows what the packages require themselves; what is not installed is
for another system. A package without a text of its own is there with the name of its licence.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

_TEXT = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
_NAME = re.compile(r"[\w.-]+")


def main(folder: Path, names: list[str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    for name, package in parts(names).items():
        (folder / f"{name}.txt").write_text(licence(package), encoding="utf-8")
    return 0


def parts(
    requirements: Iterable[str], find: Callable[[str], Distribution] = distribution
) -> dict[str, Distribution]:
    """Returns the packages that requirements bring, by name."""
    found: dict[str, Distribution] = {}
    waiting = list(requirements)
    while waiting:
        name = normal(_NAME.match(waiting.pop())[0])
        if name in found:
            continue
        try:
            found[name] = find(name)
        except PackageNotFoundError:
            continue
        waiting += [each for each in found[name].requires or [] if "extra ==" not in each]
    return dict(sorted(found.items()))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(package: Distribution) -> str:
    about = package.metadata
    kinds = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or [] if "License ::" in line]
    name = about.get("License-Expression") or ", ".join(kinds) or about.get("License") or "see its home page"
    files = [file for file in package.files or [] if ".dist-info" in str(file) and _TEXT.match(file.name)]
    texts = [Path(file.locate()).read_text(encoding="utf-8", errors="replace").strip() for file in files]
    return "\n\n".join([f"{about['Name']} {package.version}\n{name}", *texts]) + "\n"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
