"""The same app one version later, for trying an upgrade: frozen from a copy of the source."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import freeze
import package


def next_package(version: str, place: Path) -> tuple[str, Path]:
    """Returns the later version and its .deb, made unless it is there and newer than what is in dist."""
    later = bumped(version)
    made = place / f"cove_{later}-1_{package.architecture()}.deb"
    current = max(path.stat().st_mtime for path in package.DIST.glob(f"cove_{version}-*.deb"))
    if not made.exists() or made.stat().st_mtime < current:
        shutil.rmtree(place, ignore_errors=True)
        source = place / "source"
        for folder in ("app", "ui", "resources", "packaging"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(freeze.ROOT / folder, source / folder, ignore=ignored)
        init = source / "app" / "__init__.py"
        init.write_text(init.read_text().replace(f'"{version}"', f'"{later}"'))
        app = place / "frozen" / "cove"
        freeze.assemble(source, app)
        share = place / "share"
        package.write_share(share, later)
        package.build_deb(app, share, later, place, hasty=True)
    return later, made


def bumped(version: str) -> str:
    """0.1.0 -> 0.1.1"""
    return re.sub(r"(\d+)$", lambda last: str(int(last[1]) + 1), version)
