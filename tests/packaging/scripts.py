"""Packaging's scripts as modules. They are no package: `packaging` is the name of a library."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from tests.architecture.sources import ROOT

_FOLDERS = [str(ROOT / "packaging"), str(ROOT / "packaging" / "wheel"), str(ROOT / "packaging" / "smoke")]


def load(name: str) -> ModuleType:
    """Loads packaging/<name>.py. What it imports itself is the standard library's, or beside it."""
    path = ROOT / "packaging" / f"{name}.py"
    unique = f"packaging_{path.stem}"
    if unique not in sys.modules:
        spec = importlib.util.spec_from_file_location(unique, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique] = module  # dataclasses look their module up
        before = list(sys.path)
        sys.path[:0] = _FOLDERS
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path[:] = before
    return sys.modules[unique]
