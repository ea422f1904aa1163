"""The library: every model on this disk that can be loaded.

Files that a person chose are used where they lie and never copied, moved or deleted; only what Cove itself
downloaded (below its models folder) is its to delete. Knows nothing of downloads and nothing of engines.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from app.domain.generation import over
from app.domain.ids import now_ms
from app.domain.model import Model, ModelOptions, ModelSource, Vetted
from app.domain.notice import Action, NoticeCode
from app.domain.ports import ModelTable
from app.errors import KnownError
from app.models import naming
from app.models.quant import quant_of, shard_paths, spelled
from app.models.recommended import recommended_for
from app.models.stored_sampling import stored_sampling
from app.models.validate import stamp, validate
from app.paths import Paths

log = logging.getLogger(__name__)


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
        self._index = index
        self._folder = paths.models
        self._starter = starter
        self._on_added = on_added
        self._on_removed = on_removed
        self._lock = threading.RLock()
        self._models: dict[str, Model] = {}

    def open(self) -> None:
        """Reads the index and puts the starter model into it. A damaged starter is logged and left out."""
        with self._lock:
            self._models = {model.id: model for model in self._index.all()}
            for model in tuple(self._models.values()):
                if model.is_starter and (self._starter is None or Path(model.path) != self._starter):
                    self._forget(model)  # of another installation
            if self._starter is not None and not self._knows_starter(self._starter):
                self._add_starter(self._starter)

    def models(self) -> tuple[Model, ...]:
        """Returns every model, the starter first, then by name."""
        with self._lock:
            found = tuple(self._models.values())
        return tuple(sorted(found, key=lambda model: (not model.is_starter, model.name.lower(), model.id)))

    def get(self, model_id: str) -> Model | None:
        with self._lock:
            return self._models.get(model_id)

    def find(self, reference: str) -> Model:
        """Returns the model for an id, a unique part of one, `owner/repo[:quant]`, or the absolute path of
        a GGUF, which is added in place. Raises KnownError (MODEL_NOT_FOUND, MODEL_FILE_MISSING,
        MODEL_CORRUPT, MODEL_UNSUPPORTED)."""
        with self._lock:
            known = self.models()
            exact = self._models.get(reference) or self._models.get(reference.lower())
        if exact is not None:
            return exact
        if _is_path(reference):
            return self._at_path(Path(reference)) or self.add_file(Path(reference))
        matches = naming.matches(reference, known)
        if len(matches) == 1:
            return matches[0]
        raise KnownError.of(
            NoticeCode.MODEL_NOT_FOUND,
            Action.CHOOSE_MODEL,
            model=reference,
            candidates=", ".join(model.id for model in matches),
        )

    def find_source(self, repo: str, quant: str) -> Model | None:
        """Returns the model that was downloaded from a repo in a quant, if its files are still there."""
        for model in self.models():
            source = model.source
            if source and source.repo.lower() == repo.lower() and spelled(model.quant) == spelled(quant):
                return model if _is_whole(model) else None
        return None

    def add_file(self, path: Path, source: ModelSource | None = None, sha256: str = "") -> Model:
        """Adds a GGUF where it lies (the first shard stands for all). Adding it again updates it."""
        return self._add(_first_shard(path), source, sha256, is_starter=False)

    def set_options(self, model_id: str, options: ModelOptions) -> Model:
        """Saves how a model is to be loaded. Raises KnownError (MODEL_NOT_FOUND)."""
        with self._lock:
            return self._put(msgspec.structs.replace(self._known(model_id), options=options))

    def set_vetted(self, model_id: str, vetted: Vetted) -> None:
        """Notes which checks a model has passed. Harmless when it is gone by now."""
        with self._lock:
            model = self._models.get(model_id)
            if model is not None and model.vetted != vetted:
                self._put(msgspec.structs.replace(model, vetted=vetted))

    def remove(self, model_id: str) -> None:
        """Deletes the files of a model that Cove downloaded; forgets one that it only knows by path.

        Raises KnownError (MODEL_NOT_FOUND, and MODEL_NOT_REMOVABLE for the starter).
        """
        with self._lock:
            model = self._known(model_id)
            if model.is_starter:
                raise KnownError.of(NoticeCode.MODEL_NOT_REMOVABLE, model=model.id)
            # The entry goes first: a kill in between leaves a file too many, never a model without one.
            self._forget(model)
            self._delete_files(model)
        self._on_removed(model_id)

    def check(self) -> tuple[Model, ...]:
        """Looks which files are there; returns the models whose files are missing (`is_missing`)."""
        missing = []
        for model in self.models():
            is_missing = not _is_whole(model)
            if is_missing != model.is_missing:
                model = self._mark(model.id, is_missing) or model
            if is_missing:
                missing.append(model)
        return tuple(missing)

    def _mark(self, model_id: str, is_missing: bool) -> Model | None:
        with self._lock:
            model = self._models.get(model_id)
            return model and self._put(msgspec.structs.replace(model, is_missing=is_missing))

    def _known(self, model_id: str) -> Model:
        model = self._models.get(model_id)
        if model is None:
            raise KnownError.of(NoticeCode.MODEL_NOT_FOUND, Action.CHOOSE_MODEL, model=model_id)
        return model

    def _knows_starter(self, path: Path) -> bool:
        # Its header is read again when it was replaced (an update of its package), not at every start.
        known = next((model for model in self._models.values() if model.is_starter), None)
        return known is not None and path.is_file() and known.size_bytes == path.stat().st_size

    def _add_starter(self, path: Path) -> None:
        try:
            self._add(path, None, "", is_starter=True)
        except KnownError as error:
            log.error("The starter model cannot be used: %s", error)

    def _add(self, path: Path, source: ModelSource | None, sha256: str, *, is_starter: bool) -> Model:
        model = _described(path, source, sha256)
        suited = recommended_for(model.name)
        with self._lock:
            before = self._at_path(path)
            taken = {model_id for model_id, known in self._models.items() if known is not before}
            return self._put(
                msgspec.structs.replace(
                    model,
                    id=before.id if before else naming.new_id(model, taken),
                    options=before.options if before else ModelOptions(),
                    added_ms=before.added_ms if before else now_ms(),
                    source=source or (before.source if before else None),
                    sha256=sha256 or (before.sha256 if before else ""),
                    system_prompt=suited.system_prompt,
                    sampling=over(model.sampling, suited.sampling),
                    is_starter=is_starter or (before is not None and before.is_starter),
                )
            )

    def _put(self, model: Model) -> Model:
        self._index.put(model)
        self._models[model.id] = model
        self._on_added(model)
        return model

    def _forget(self, model: Model) -> None:
        self._index.remove(model.id)
        del self._models[model.id]

    def _at_path(self, path: Path) -> Model | None:
        wanted = os.path.realpath(_first_shard(path))
        return next((model for model in self.models() if os.path.realpath(model.path) == wanted), None)

    def _delete_files(self, model: Model) -> None:
        """Deletes a model's files if they lie in our folder, and the folders that this empties."""
        folder = Path(model.path).parent.resolve()
        ours = self._folder.resolve()
        if ours not in folder.parents:
            return
        for file in model_files(folder / Path(model.path).name):
            file.unlink(missing_ok=True)
        while folder != ours and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def _described(path: Path, source: ModelSource | None, sha256: str) -> Model:
    """Returns what the headers of a file and its shards say, as a model without an id."""
    files = model_files(path)
    headers = validate(files)
    first = headers[0]
    if first.kind != "model":
        raise KnownError.of(NoticeCode.MODEL_UNSUPPORTED, architecture=first.kind)
    return Model(
        id="",
        name=naming.title(path, source, first.name),
        path=str(path),
        size_bytes=sum(header.file_bytes for header in headers),
        architecture=first.architecture,
        quant=quant_of(source.filename if source else path.name) or first.quant,
        context_tokens=first.context_tokens,
        layers=first.layers,
        parameters=sum(header.parameters for header in headers),
        has_template=first.has_template,
        sampling=stored_sampling(first.metadata),
        source=source,
        sha256=sha256,
        vetted=Vetted(header=stamp(files)),
    )


def model_files(path: Path) -> list[Path]:
    """Returns a model's file or, of one in several, all that there should be."""
    return [path.with_name(name) for name in shard_paths(path.name)]


def _is_whole(model: Model) -> bool:
    return all(file.is_file() for file in model_files(Path(model.path)))


def _first_shard(path: Path) -> Path:
    absolute = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (keeps symbolic links)
    return absolute.with_name(shard_paths(absolute.name)[0])


def _is_path(reference: str) -> bool:
    path = Path(reference).expanduser()
    return path.is_absolute() or reference.lower().endswith(".gguf")
