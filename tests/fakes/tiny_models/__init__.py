"""Tiny models with random weights that llama.cpp really loads, of every kind of memory it has.

`tiny_model("llama")` returns the path of a GGUF of about a megabyte, made once and kept beside the installed
packages under a name that says what is in it. `tiny_model("gemma3", layers=8, trained=512)` varies it. The
same shape always gives the same bytes. What the models say is nonsense, but nonsense that hangs on the whole
prompt: another early word gives another answer, and the best token is seldom a near tie. With greedy sampling
they never end by themselves and never write a control token (`may_end=True` lets them).
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.fakes.tiny_models.architectures import ARCHITECTURES
from tests.fakes.tiny_models.shape import Shape
from tests.fakes.tiny_models.writer import write

__all__ = ["ARCHITECTURES", "HYBRID", "RECURRENT", "WINDOWED", "Shape", "tiny_model"]

# By what can be cut off the end of what they remember: nothing, nothing, what the window still holds.
RECURRENT = ("mamba2", "mamba")
HYBRID = ("lfm2", "qwen35", "falcon-h1")
WINDOWED = ("gemma3", "gpt-oss")


def tiny_model(architecture: str = "llama", **fields: Any) -> Path:
    """Returns the model of this shape, making it if there is none yet."""
    shape = Shape(architecture=architecture, **fields)
    path = _folder() / f"{architecture}-{_digest(shape)}.gguf"
    if not path.is_file():
        _make(shape, path)
    return path


def _folder() -> Path:
    return Path(sys.prefix) / "share" / "cove-tests" / "tiny"


def _digest(shape: Shape) -> str:
    return hashlib.sha256(_sources() + repr(shape).encode()).hexdigest()[:16]


@functools.cache
def _sources() -> bytes:
    """Other sources make other models."""
    return b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))


def _make(shape: Shape, path: Path) -> None:
    # Several test processes may do this at once: each writes a file of its own, the last rename wins.
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    os.close(descriptor)
    try:
        write(shape, Path(name))
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
