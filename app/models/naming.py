"""How models are named and called: ids that are stable and unique, and the short forms a person types."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import PurePath

from app.domain.model import Model, ModelSource
from app.models.quant import base_name, spelled

_NO_NAMES = frozenset({"", "gguf", "model", "ggml-model", "ggml", "unnamed"})


def title(path: PurePath, source: ModelSource | None, said: str) -> str:
    """Returns what a model is called: as its repo or file is, which is what people asked for; what the
    header says is often a note of whoever trained it, and only better than nothing."""
    names = (_repo_title(source.repo) if source else "", base_name(path.name))
    return next((name for name in names if name.lower() not in _NO_NAMES), said or names[-1])


def new_id(model: Model, taken: Collection[str]) -> str:
    """Returns an id that is not taken: `name:quant`, else with the repo's owner, else with a number."""
    source = model.source
    name = slug(model.name) or "model"
    owner = slug(source.repo.split("/")[0]) if source else ""
    names = [name, f"{name}-{owner}"] if owner else [name]
    names += [f"{names[-1]}-{number}" for number in range(2, len(taken) + 3)]
    quant = spelled(model.quant).lower() or "gguf"
    return next(f"{entry}:{quant}" for entry in names if f"{entry}:{quant}" not in taken)


def slug(text: str) -> str:
    """Returns a name in lower case, with only letters, digits, dots, dashes and underscores."""
    return re.sub(r"[^\w.]+", "-", text.lower()).strip("-._")


def matches(reference: str, models: Iterable[Model]) -> tuple[Model, ...]:
    """Returns the models that a reference can mean: by repo, by the name alone, or by how the id begins.

    The first rule that finds any decides, so a name is never outbid by a longer one that begins like it.
    """
    wanted = reference.lower()
    name, _, quant = wanted.partition(":")
    known = tuple(models)
    rules = (
        [model for model in known if _is_from(model, name) and quant in ("", model.quant.lower())],
        [model for model in known if model.id.partition(":")[0] == wanted or model.name.lower() == wanted],
        [model for model in known if model.id.startswith(wanted)] if wanted else [],
    )
    return next((tuple(found) for found in rules if found), ())


def _is_from(model: Model, repo: str) -> bool:
    return model.source is not None and model.source.repo.lower() == repo


def _repo_title(repo: str) -> str:
    return re.sub(r"[-_.]gguf$", "", repo.rsplit("/", 1)[-1], flags=re.IGNORECASE)
