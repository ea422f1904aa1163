"""Packaging's scripts as modules. They are no package: `packaging` is the name of a library."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from tests.architecture.sources import ROOT


def load(name: str) -> ModuleType:
    """Loads packaging/<name>.py; what it imports itself must be of the standard library."""
    path = ROOT / "packaging" / f"{name}.py"
    unique = f"packaging_{path.stem}"
    if unique not in sys.modules:
        spec = importlib.util.spec_from_file_location(unique, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
    return sys.modules[unique]
