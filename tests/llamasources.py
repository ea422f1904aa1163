"""What llama.cpp keeps for its own tests: 70 chat templates and the vocabularies of well-known models.

They come from the sources of llama-cpp-python, fetched once (about 70 MB, from the package registry) and kept
beside the installed packages. Only for the slow suite.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from app.engine.worker.bindings import VERSION

_WANTED = ("vendor/llama.cpp/models/templates/", "vendor/llama.cpp/models/ggml-vocab-")
_KINDS = (".jinja", ".gguf")


def reference_templates() -> dict[str, str]:
    """Returns the templates by name. Raises when they cannot be had."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(_folder().glob("*.jinja"))}


def reference_vocabulary(name: str) -> Path:
    """Returns a GGUF that holds a vocabulary and nothing else."""
    return _folder() / f"ggml-vocab-{name}.gguf"


def _folder() -> Path:
    folder = Path(sys.prefix) / "share" / "cove-tests" / f"llama-cpp-{VERSION}"
    if not folder.is_dir():
        _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", name]
        command += ["--no-binary", "llama-cpp-python", f"llama-cpp-python=={VERSION}"]
        # A folder of wheels would offer something else than the sources.
        environment = {key: value for key, value in os.environ.items() if key != "PIP_FIND_LINKS"}
        subprocess.run(command, check=True, env=environment, timeout=900)
        unpacked = Path(name) / "unpacked"
        unpacked.mkdir()
        _unpack(next(Path(name).glob("*.tar.gz")), unpacked)
        try:
            unpacked.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(unpacked)


def _unpack(archive: Path, target: Path) -> None:
    with tarfile.open(archive) as sources:
        for member in sources:
            if any(part in member.name for part in _WANTED) and member.name.endswith(_KINDS):
                file = sources.extractfile(member)
                assert file is not None
                with (target / Path(member.name).name).open("wb") as copy:
                    shutil.copyfileobj(file, copy)
