"""The library: every model on this disk that can be loaded. (Signatures; the body follows.)"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.domain.model import Model, ModelOptions, ModelSource
from app.domain.ports import ModelTable
from app.paths import Paths


class Library:
    """Safe to call from any thread; the callbacks run in the caller's thread and must not block.

    `on_added` is called for a new model and for one that changed (options, missing or back again).
    """

    def __init__(
        self,
        index: ModelTable,
        paths: Paths,
        *,
        starter: Path | None = None,
        on_added: Callable[[Model], None] = lambda model: None,
        on_removed: Callable[[str], None] = lambda model_id: None,
    ) -> None:
        """`starter` is `app.paths.starter_model()`."""

    def open(self) -> None:
        """Reads the index and puts the starter model into it."""
        raise NotImplementedError

    def models(self) -> tuple[Model, ...]:
        """Returns every model, the starter first, then by name."""
        raise NotImplementedError

    def get(self, model_id: str) -> Model | None:
        raise NotImplementedError

    def find(self, reference: str) -> Model:
        """Returns the model for an id, a unique part of one, `owner/repo[:quant]`, or the absolute path of
        a GGUF, which is added in place. Raises KnownError (MODEL_NOT_FOUND, MODEL_FILE_MISSING,
        MODEL_CORRUPT)."""
        raise NotImplementedError

    def add_file(self, path: Path, source: ModelSource | None = None, sha256: str = "") -> Model:
        """Adds a GGUF where it lies (the first shard stands for all). Adding it again updates it."""
        raise NotImplementedError

    def set_options(self, model_id: str, options: ModelOptions) -> Model:
        raise NotImplementedError

    def remove(self, model_id: str) -> None:
        """Deletes the files of a model that Cove downloaded; forgets one that it only knows by path."""
        raise NotImplementedError

    def check(self) -> tuple[Model, ...]:
        """Looks which files are there; returns the models whose files are missing (`is_missing`)."""
        raise NotImplementedError
