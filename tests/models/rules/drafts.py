"""Tiny models with one thing changed, as the validator sees them."""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Callable
from pathlib import Path

from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.models.validate import validate
from tests.fakes.gguf_draft import Draft, read_draft
from tests.fakes.tiny_models import tiny_model

Change = Callable[[Draft], object]


@functools.cache
def _original(architecture: str) -> Draft:
    return read_draft(tiny_model(architecture, layers=2, trained=512, vocabulary=512), with_data=False)


def changed(change: Change, architecture: str = "llama") -> Draft:
    draft = copy.deepcopy(_original(architecture))
    change(draft)
    return draft


def written(draft: Draft, path: Path) -> Path:
    """Writes the header; of the weights there is only a hole."""
    header = draft.header()
    path.write_bytes(header)
    last = draft.tensors[-1]
    os.truncate(path, len(header) + last.offset + last.size_bytes)
    return path


def refused(folder: Path, change: Change, architecture: str = "llama") -> tuple[str, str] | None:
    """Returns the fault and its value; None for a file that passes."""
    path = written(changed(change, architecture), folder / "m.gguf")
    try:
        validate([path])
    except KnownError as error:
        notice = error.notice
    else:
        return None
    assert notice.code is NoticeCode.MODEL_REFUSED, notice
    assert notice.facts["path"] == str(path)
    return str(notice.facts["fault"]), str(notice.facts["value"])


def number(key: str, value: object, kind: int = 4, *, is_array: bool = False) -> Change:
    return lambda draft: draft.set(key, value, kind, is_array=is_array)
